import type { HostBinary, HostEvent } from './host.ts';
import { binaryLine, stateWord } from './hosts-table.ts';
import { type Html, html } from './html.ts';
import { ago, foreign, moment, page, since } from './page.ts';
import type { BinaryStanding, HostStanding } from './standing.ts';
import { EVENT_WORDS } from './wording.ts';

/** `GET /hosts/{id}`: all that is known of one host. `now` in milliseconds. */
export function hostPage(standing: HostStanding, now: number): Html {
  const { host, binaries } = standing;
  const facts: readonly (readonly [string, Html | undefined])[] = [
    ['State', stateWord(standing)],
    ['Last seen', ago(host.lastSeen, now)],
    ['Known', since(host.firstSeen, now)],
    ['System', host.os === undefined ? undefined : foreign(host.os)],
    ['Architecture', host.arch === undefined ? undefined : foreign(host.arch)],
    ['bin-proxy', host.agent === undefined ? undefined : foreign(host.agent)],
    ['Id', host.id === host.name ? undefined : html`<code>${foreign(host.id)}</code>`],
  ];
  return page(
    `${host.name} – Fleet`,
    html`<nav aria-label="Fleet"><a href="/">Fleet</a></nav>
<header><h1>${foreign(host.name)}</h1><p class="small soft">as of ${moment(now)}</p></header>
<main>
<dl>${facts.map(([term, fact]) => (fact === undefined ? undefined : html`<dt>${term}</dt><dd>${fact}</dd>`))}</dl>
<h2>What it runs</h2>
${host.binaries.length === 0 ? html`<p>It has not said.</p>` : undefined}
${host.binaries.map((binary, index) => binaryPart(binary, binaries[index], now))}
</main>`,
  );
}

/** The answer for a host that is not known. */
export function noHostPage(): Html {
  return page(
    'Unknown host – Fleet',
    html`<nav aria-label="Fleet"><a href="/">Fleet</a></nav>
<main><h1>No such host</h1>
<p>It has never reported, or not for 30 days. <a href="/#hosts">Look for it by name</a>.</p></main>`,
  );
}

function binaryPart(binary: HostBinary, standing: BinaryStanding | undefined, now: number): Html {
  const hex = binary.sha256 === undefined ? binary.md5 : `sha256:${binary.sha256}`;
  const digest = binary.sha256 === undefined && hex !== undefined ? `md5:${hex}` : hex;
  return html`<section class="release">
${binaryLine(binary, standing, now)}
${digest === undefined ? undefined : html`<p class="small soft"><code>${digest}</code></p>`}
${binary.follows === undefined ? undefined : html`<p class="small soft">Follows ${foreign(binary.follows)}.</p>`}
${binary.events.length === 0 ? undefined : eventsTable(binary.events, standing?.versions, now)}
</section>
`;
}

function eventsTable(events: readonly HostEvent[], versions: BinaryStanding['versions'], now: number): Html {
  const rows = events.map(
    ({ at, what, version, digest, reason, seconds }) =>
      html`<tr role="row"><td role="cell" class="last soft">${ago(at, now)}</td><td role="cell">${EVENT_WORDS[what]}${seconds === undefined ? undefined : ` after ${seconds} s`}</td><td role="cell">${releaseText(version ?? versions?.get(digest ?? ''), digest)}</td><td role="cell" class="soft">${reason === undefined ? undefined : foreign(reason)}</td></tr>
`,
  );
  return html`<table role="table" class="small">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">When</th><th role="columnheader" scope="col">What</th><th role="columnheader" scope="col">Release</th><th role="columnheader" scope="col">Why</th></tr></thead>
<tbody role="rowgroup">
${rows}</tbody>
</table>`;
}

function releaseText(version: string | undefined, digest: string | undefined): Html | undefined {
  if (version !== undefined) return foreign(version);
  return digest === undefined ? undefined : html`<code>${foreign(digest.slice(0, 8))}</code>`;
}
