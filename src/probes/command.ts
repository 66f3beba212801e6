import type { CommandCheck, HealthAnswer } from '../domain/health.ts';
import type { CommandResult, RunCommand } from '../platform/command.ts';
import type { HealthProbe } from './probe.ts';
import { saidLines } from './said.ts';

/** Health by the exit status of a program. No shell (invariant 9). */
export class CommandProbe implements HealthProbe<CommandCheck> {
  readonly #run: RunCommand;

  constructor(run: RunCommand) {
    this.#run = run;
  }

  async ask({ command: [program, ...args], timeoutMs }: CommandCheck): Promise<HealthAnswer> {
    const result = await this.#run(program, args, { timeoutMs, leftovers: 'end' });
    const isGood = result.kind === 'exited' && result.code === 0;
    const said = 'stdout' in result ? saidLines(`${result.stdout}\n${result.stderr}`) : [];
    return { health: isGood ? 'good' : 'bad', detail: `${program} ${wordFor(result)}`, said };
  }
}

function wordFor(result: CommandResult): string {
  switch (result.kind) {
    case 'exited':
      return result.code === 0 ? 'exited with 0' : `exited with ${result.code}, expected 0`;
    case 'killed':
      return `was ended: ${result.why}`;
    case 'not-found':
      return 'was not found';
    case 'not-started':
      return `could not be started: ${result.why}`;
  }
}
