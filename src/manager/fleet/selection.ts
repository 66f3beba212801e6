import { compact } from './reports.ts';
import { HOST_STATES, type HostStanding, type HostState, STATE_OF } from './standing.ts';

/** Which hosts somebody wants to see. */
export interface Selection {
  /** Part of a name or an id, in any case. */
  readonly text?: string;
  readonly state?: HostState;
  readonly binary?: string;
  /** A version that the binary runs; of any binary where none is named. */
  readonly version?: string;
}

const MAX_TEXT = 128;

/** From query parameters. A state that there is not, or the same word twice, selects nothing by it. */
export function readSelection(query: Readonly<Record<string, unknown>>): Selection {
  const word = (name: string) => {
    const value = query[name];
    const text = typeof value === 'string' ? value.trim().slice(0, MAX_TEXT) : '';
    return text === '' ? undefined : text;
  };
  const [text, binary, version] = [word('name'), word('binary'), word('version')];
  const state = HOST_STATES.find((one) => one === query['state']);
  return compact({ text, state, binary, version });
}

/** The same as query parameters. */
export function selectionQuery({ text, state, binary, version }: Selection): URLSearchParams {
  return new URLSearchParams(compact({ name: text, state, binary, version }));
}

/** Whether a host is one of them. Where a binary is named, state and version are about that one. */
export function selects(selection: Selection): (one: HostStanding) => boolean {
  const text = selection.text?.toLowerCase();
  const { state, binary, version } = selection;
  const isAboutBinaries = binary !== undefined || version !== undefined;
  return (one) =>
    (state === undefined || isAboutBinaries || one.states.has(state)) &&
    (!isAboutBinaries || runs(one, selection)) &&
    (text === undefined || one.host.name.toLowerCase().includes(text) || one.host.id.toLowerCase().includes(text));
}

function runs({ host, binaries, states }: HostStanding, { state, binary, version }: Selection): boolean {
  const isLost = states.has('lost');
  return host.binaries.some(({ name }, index) => {
    const standing = binaries[index];
    if (standing === undefined || (binary !== undefined && name !== binary)) return false;
    if (version !== undefined && standing.version !== version) return false;
    return state === undefined || state === (isLost ? 'lost' : STATE_OF[standing.standing]);
  });
}
