/** Deliberate damage: one change of one source file that takes a promise away, and the tests that must notice. */
export interface Mutant {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** A test file and a piece of the title: the smallest set that must fail. */
  readonly caughtBy: readonly (readonly [file: string, title: string])[];
}

const ORDER = 'test/crash/order.test.ts';
const RECOVERY = 'test/e2e/recovery.test.ts';
const BAD = 'test/e2e/bad-release.test.ts';
const MANY = 'test/e2e/many.test.ts';

const IN_PLACE = 'installers/in-place.ts';
const RENAME = 'await rename(file.staged, file.target);\n      await syncDirectory(dirname(file.target));';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no journal',
    file: 'engine/prepare.ts',
    from: '  await store.write(journal);\n',
    to: '  void store;\n',
    caughtBy: [
      [ORDER, 'in a good update'],
      [RECOVERY, 'of the stability window'],
    ],
  },
  {
    name: 'no recovery',
    file: 'engine/recover.ts',
    from: "  if (file.kind === 'absent') return [];",
    to: "  if (file.kind === 'absent' || roles.run !== '') return [];",
    caughtBy: [[RECOVERY, 'of the stability window']],
  },
  {
    name: 'written in place instead of renamed',
    file: IN_PLACE,
    from: RENAME,
    to: "await (await import('node:fs/promises')).copyFile(file.staged, file.target);\n      await syncDirectory(dirname(file.target));",
    caughtBy: [[ORDER, 'of a file that nothing executes']],
  },
  {
    name: 'removed, then renamed',
    file: IN_PLACE,
    from: RENAME,
    to: `await removeFile(file.target);\n      ${RENAME}`,
    caughtBy: [[ORDER, 'in a good update']],
  },
  {
    name: 'the staged file is not synced',
    file: IN_PLACE,
    from: '      await syncFile(staged);\n',
    to: '',
    caughtBy: [[ORDER, 'in a good update']],
  },
  {
    name: 'the directory is not synced after the rename',
    file: IN_PLACE,
    from: RENAME,
    to: 'await rename(file.staged, file.target);',
    caughtBy: [[ORDER, 'in a good update']],
  },
  {
    name: 'the directory is not synced after the way back',
    file: IN_PLACE,
    from: '    }\n    await syncDirectory(dirname(file.target));\n',
    to: '    }\n',
    caughtBy: [[ORDER, 'in a bad update']],
  },
  {
    name: 'the backup is not synced before the journal names it',
    file: IN_PLACE,
    from: '      await syncDirectory(backups);\n',
    to: '',
    caughtBy: [[ORDER, 'in a good update']],
  },
  {
    name: 'small files are not synced',
    file: 'platform/files.ts',
    from: 'former.mode & 0o7777);\n    await handle.sync();',
    to: 'former.mode & 0o7777);',
    caughtBy: [[ORDER, 'in a good update']],
  },
  {
    name: 'the manifest is written before the proof',
    file: 'engine/transaction.ts',
    from: '  const { proven, journal: left } = await activateAndProve(journal, roles);',
    to: '  for (const one of journal.changes) await roles.recordProven(one.name, one.release);\n  const { proven, journal: left } = await activateAndProve(journal, roles);',
    caughtBy: [[BAD, 'dies at once']],
  },
  {
    name: 'the verdict is not noted before the way back',
    file: 'engine/rollback.ts',
    from: '    await noteInJournal(journal, roles);\n',
    to: '',
    caughtBy: [[ORDER, 'in a bad update']],
  },
  {
    name: 'what dead runs left is not swept',
    file: 'engine/act.ts',
    from: '      await sweep(manifest, roles);\n',
    to: '',
    caughtBy: [[RECOVERY, 'of the write of a small file']],
  },
  {
    name: 'no quarantine',
    file: 'planning/decide.ts',
    from: '  if (quarantine !== undefined) {',
    to: '  if (quarantine !== undefined && now < new Date(0)) {',
    caughtBy: [['test/e2e/quarantine.test.ts', 'is started once']],
  },
  {
    name: 'the lock is always granted',
    file: 'platform/lock.ts',
    from: "spawn('flock', ['-n', file, 'sh', '-c', 'echo held; exec cat >/dev/null'], {",
    to: "spawn('sh', ['-c', 'echo held; exec cat >/dev/null'], {",
    caughtBy: [[MANY, 'started at once']],
  },
  {
    name: 'the owner of the lock is believed without proof',
    file: 'platform/lock-owner.ts',
    from: 'return facts?.startTime === owner.startTime ? owner : unnotedOwner(file);',
    to: 'return facts === undefined ? undefined : owner;',
    caughtBy: [[MANY, 'whose pid another program has by now']],
  },
  {
    name: 'RUNNING at one look is proof',
    file: 'planning/health.ts',
    from: "return last.atMs - up.atMs >= window.stableMs ? { kind: 'stable' } : { kind: 'watching' };",
    to: "return last.atMs - up.atMs >= 0 ? { kind: 'stable' } : { kind: 'watching' };",
    // A bad release would do on a quick machine; on a slow one it has died by the second look.
    caughtBy: [['test/e2e/signals.test.ts', 'during a long window']],
  },
  {
    name: 'the digest of a download is not compared',
    file: 'installers/receive.ts',
    from: '  if (hex === wanted.hex) return;',
    to: "  if (hex !== '') return;",
    caughtBy: [[BAD, 'than it announced']],
  },
  {
    name: 'a service that was stopped on purpose is started',
    file: 'planning/health.ts',
    from: "    case 'stopped':\n      return 'stopped';",
    to: "    case 'stopped':\n      return 'failing';",
    caughtBy: [['test/e2e/update.test.ts', 'leaves a service that was stopped on purpose']],
  },
  {
    name: 'a restart of supervisord is blamed on the release',
    file: 'probes/process.ts',
    from: 'const MOST_WATCHES = 3;',
    to: 'const MOST_WATCHES = 1;',
    caughtBy: [['test/e2e/supervisord-restart.test.ts', 'the watch begins anew']],
  },
  {
    name: 'a file goes live though its service cannot be restarted',
    file: 'engine/transaction.ts',
    from: 'if (!refused.signal.aborted) return staged;',
    to: 'if (staged.length > 0) return staged;',
    caughtBy: [['test/e2e/host-trouble.test.ts', 'whose supervisorctl cannot be run']],
  },
  {
    name: 'what a dead run has ordered is not waited for',
    file: 'engine/recover.ts',
    from: "if ((await roles.services.settle(journalProcesses(journal).map(({ process }) => process))) === 'busy') {",
    to: 'if (journal.attempts === 0) {',
    caughtBy: [['test/e2e/recovery.test.ts', 'whose supervisorctl is slow']],
  },
];
