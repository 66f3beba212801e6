import { RunError } from '../domain/errors.ts';

const HINT = 'The fields are described in manifests/bin-manifests.schema.json; nothing was changed.';

/** What is wrong with one value, and where. */
export interface PlacedProblem {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** A manifest with everything that is wrong with it, in the order of the file. */
export class InvalidManifest extends RunError {
  readonly problems: readonly PlacedProblem[];

  constructor(file: string, problems: readonly PlacedProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const lines = problems.map(({ line, column, text }) => `  ${file}:${line}:${column}  ${text}`);
    super('manifest-invalid', [`${file} has ${count}`, ...lines].join('\n'), { hint: HINT });
    this.problems = problems;
  }
}
