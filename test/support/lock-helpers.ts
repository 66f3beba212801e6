import { systemCode } from '../../src/domain/errors.ts';
import { executedFile, processTree } from '../../src/platform/processes.ts';

/** Sends a signal to everything that the holder of this lock, a process of this pid, has started for it. */
export async function signalHelpers(pid: number, file: string, signal: NodeJS.Signals): Promise<void> {
  for (const one of await helpers(pid, file)) {
    try {
      process.kill(one, signal);
    } catch (error) {
      // One of them has ended with the one before it.
      if (systemCode(error) !== 'ESRCH') throw error;
    }
  }
}

/** The holder's helper and its children, these first. */
async function helpers(pid: number, file: string): Promise<readonly number[]> {
  const tree = (await processTree(pid)).filter((one) => one !== pid);
  const facts = await Promise.all(tree.map(async (one) => ({ one, argv: (await executedFile(one))?.argv ?? [] })));
  const flock = facts.find(({ argv }) => argv.includes(file))?.one;
  if (flock === undefined) throw new Error(`no helper for ${file} below ${pid}`);
  return (await processTree(flock)).toReversed();
}
