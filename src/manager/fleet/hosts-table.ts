import type { HostBinary } from './host.ts';
import { type Html, html } from './html.ts';
import { ago, foreign, hostLink, since } from './page.ts';
import type { BinaryStanding, HostStanding, HostState } from './standing.ts';
import { STANDING_WORDS, STATE_WORDS } from './wording.ts';

/** More binaries of one host are for its own page. */
const SHOWN = 8;
/** The one word for a host is the first that fits. */
const WORST: readonly HostState[] = ['lost', 'failed', 'rolled-back', 'behind', 'updating', 'held', 'ok'];

/** Hosts, what each runs, and why it is not what it should be. */
export function hostsTable(standings: readonly HostStanding[], now: number): Html {
  return html`<table role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Host</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Runs</th><th role="columnheader" scope="col">Last seen</th></tr></thead>
<tbody role="rowgroup">
${standings.map((standing) => row(standing, now))}</tbody>
</table>`;
}

function row(standing: HostStanding, now: number): Html {
  const { host, binaries } = standing;
  // What needs somebody first; a host with many binaries must not hide it.
  const order = host.binaries
    .map((binary, index) => ({ binary, standing: binaries[index] }))
    .sort((a, b) => rank(a.standing) - rank(b.standing));
  const more = order.length - SHOWN;
  const runs = order.slice(0, SHOWN).map((one) => binaryLine(one.binary, one.standing, now));
  return html`<tr role="row"><th role="rowheader" scope="row">${hostLink(host.id, host.name)}</th><td role="cell">${stateWord(standing)}</td><td role="cell">${runs}${more > 0 ? html`<p class="small">${hostLink(host.id, `and ${more} more`)}</p>` : undefined}${order.length === 0 ? html`<span class="soft">has not said</span>` : undefined}</td><td role="cell" class="last seen soft">${ago(host.lastSeen, now)}</td></tr>
`;
}

/** What a host is, in a word. */
export function stateWord({ states }: HostStanding): Html {
  const state = WORST.find((one) => states.has(one)) ?? 'ok';
  return html`<span class="tone ${state}">${STATE_WORDS[state]}</span>`;
}

/** `hello 1.3.0 behind 1.4.0 for 2 h`, and the reason below it. */
export function binaryLine(binary: HostBinary, standing: BinaryStanding | undefined, now: number): Html {
  const { name, reason } = binary;
  const why = standing !== undefined && standing.standing !== 'current' && reason !== undefined;
  return html`<p>${name} ${versionText(binary, standing)}${comparison(binary, standing, now)}${why ? html`<br><span class="small soft">${foreign(reason)}</span>` : undefined}</p>`;
}

/** The version that runs, or the first digits of what runs. */
function versionText({ sha256, md5 }: HostBinary, standing: BinaryStanding | undefined): Html {
  const version = standing?.version;
  if (version !== undefined) return html`<b>${foreign(version)}</b>`;
  const hex = sha256 ?? md5;
  return hex === undefined ? html`<span class="soft">unknown</span>` : html`<code>${hex.slice(0, 8)}</code>`;
}

function comparison(binary: HostBinary, standing: BinaryStanding | undefined, now: number): Html | undefined {
  if (standing === undefined || standing.standing === 'current') return undefined;
  const { standing: word, offer } = standing;
  const at = word === 'behind' ? (standing.behindSince ?? binary.since) : binary.since;
  const other = TRIED.includes(word) ? (standing.tried ?? offer?.version) : offer?.version;
  const to = other === undefined || word === 'unknown' ? undefined : html` ${PREPOSITION[word] ?? ''} ${other}`;
  return html` <span class="tone ${word}">${STANDING_WORDS[word]}</span>${to} <span class="soft">${since(at, now)}</span>`;
}

/** It is about the release that was tried, which another one may have followed since. */
const TRIED: readonly string[] = ['rolled-back', 'rollback-failed', 'updating', 'failed'];
const PREPOSITION: Readonly<Record<string, string>> = {
  'rolled-back': 'from',
  'rollback-failed': 'from',
  updating: 'to',
  failed: 'to become',
  held: 'instead of',
};

function rank(standing: BinaryStanding | undefined): number {
  const order = ['rollback-failed', 'rolled-back', 'failed', 'behind', 'updating', 'held', 'unknown', 'current'];
  return order.indexOf(standing?.standing ?? 'current');
}
