import type { HealthAnswer, HealthCheck, HealthSeen } from '../domain/health.ts';
import type { BinaryName } from '../domain/names.ts';
import type { ActRoles } from './roles.ts';

const ROUND_MS = 1_000;
/** One answer may be lost; one after the other is not. */
const MOST_ROUNDS = 3;

/** A check of one binary. */
export interface AskedBinary {
  readonly name: BinaryName;
  readonly check: HealthCheck;
}

type HealthRoles = Pick<ActRoles, 'health' | 'clock'>;

/**
 * Asks programs how they are, all of them in a round. While they start they may be unwell; in the end they must not be,
 * as soon as one round is good.
 */
export class HealthWatch {
  readonly #asked: readonly AskedBinary[];
  readonly #roles: HealthRoles;
  readonly #beganMs: number;
  #round: Promise<void> = Promise.resolve();
  #nextMs: number;
  #isAsking = false;
  #last: readonly HealthSeen[] = [];

  constructor(asked: readonly AskedBinary[], roles: HealthRoles) {
    this.#asked = asked;
    this.#roles = roles;
    this.#beganMs = roles.clock.monotonicMs();
    this.#nextMs = this.#beganMs;
  }

  /** The last answers. */
  get seen(): readonly HealthSeen[] {
    return this.#last;
  }

  /** Begins a round where one is due, and waits for nothing. */
  glance(): void {
    if (this.#asked.length === 0 || this.#isAsking || this.#roles.clock.monotonicMs() < this.#nextMs) return;
    this.#round = this.#ask();
  }

  /** Waits for what was asked already. */
  async settle(): Promise<void> {
    await this.#round;
  }

  /** The first that is unwell, after as many rounds as it takes to be sure. `onRound` is called before each. */
  async judge(onRound: () => void): Promise<HealthSeen | undefined> {
    await this.settle();
    for (let round = 1; ; round++) {
      onRound();
      await this.#ask();
      const unwell = this.#last.find(({ health }) => health === 'bad');
      if (unwell === undefined || round === MOST_ROUNDS) return unwell;
      await this.#roles.clock.sleep(ROUND_MS);
    }
  }

  async #ask(): Promise<void> {
    const { clock, health } = this.#roles;
    this.#isAsking = true;
    this.#last = await Promise.all(
      this.#asked.map(async ({ name, check }): Promise<HealthSeen> => {
        const answer: HealthAnswer = await health(check);
        return { name, ...answer, seconds: (clock.monotonicMs() - this.#beganMs) / 1000 };
      }),
    );
    this.#isAsking = false;
    this.#nextMs = clock.monotonicMs() + ROUND_MS;
  }
}
