import { type Html, html } from './html.ts';
import type { BinaryProgress } from './overview.ts';
import { foreign, hosts, numberText, since } from './page.ts';
import { STATE_OF, type Standing } from './standing.ts';
import { STANDING_WORDS } from './wording.ts';

/** In the order of the bar. */
const SEGMENTS: readonly (Standing | 'lost')[] = [
  'current',
  'updating',
  'behind',
  'rolled-back',
  'rollback-failed',
  'failed',
  'held',
  'unknown',
  'lost',
];

/** How far the fleet is with each release. */
export function releasesPart(binaries: readonly BinaryProgress[], now: number): Html {
  return html`${binaries.map((binary) => releasePart(binary, now))}`;
}

function releasePart(binary: BinaryProgress, now: number): Html {
  const { name, offered, standings } = binary;
  const [offer, ...others] = offered?.offers ?? [];
  const title =
    offer === undefined
      ? html`<span class="soft">nothing is offered</span>`
      : html`${offer.channel} <b>${offer.version}</b> <span class="soft">${since(offer.since, now)}</span>`;
  const more = others.map(
    ({ channel, version }) => html`<p class="small soft">${channel} ${version}: ${hosts(countOf(binary, version))}</p>`,
  );
  return html`<section class="release">
<div><h3><a href="/?${new URLSearchParams({ binary: name }).toString()}">${name}</a></h3><span>${title}</span></div>
${bar(binary)}
<p class="small">${numbers(binary)}</p>
${standings.current < binary.hosts || others.length > 0 ? versionsLine(binary) : undefined}
${more}
</section>
`;
}

function countOf({ versions }: BinaryProgress, version: string): number {
  return versions.find(([one]) => one === version)?.[1] ?? 0;
}

/** The same as the numbers below it, which say it to those who do not see it. */
function bar({ hosts: total, standings }: BinaryProgress): Html {
  let x = 0;
  const parts = SEGMENTS.filter((segment) => standings[segment] > 0).map((segment) => {
    const width = (standings[segment] / total) * 1000;
    const part = html`<rect class="${segment}" x="${x.toFixed(1)}" width="${width.toFixed(1)}" height="1"/>`;
    x += width;
    return part;
  });
  return html`<svg class="bar" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>`;
}

function numbers({ name, hosts: total, standings, offered }: BinaryProgress): Html {
  if (total === 0) return html`No host has said that it runs it.`;
  const { current } = standings;
  // 99.99 % is not all of them.
  const percent = current === total ? 100 : Math.min(99, Math.floor((current / total) * 100));
  const isOffered = (offered?.offers.length ?? 0) > 0;
  const first = isOffered
    ? html`<b class="tone current">${numberText(current)}</b> of ${hosts(total)} ${total === 1 ? 'is' : 'are'} current (${percent} %)`
    : html`${hosts(total)}`;
  const rest = SEGMENTS.filter((segment) => segment !== 'current' && standings[segment] > 0).map((segment) => {
    const text = html`<span class="tone ${segment}">${numberText(standings[segment])} ${STANDING_WORDS[segment]}</span>`;
    if (segment === 'unknown') return html` · ${text}`;
    const state = segment === 'lost' ? segment : STATE_OF[segment];
    return html` · <a href="/?${new URLSearchParams({ binary: name, state }).toString()}">${text}</a>`;
  });
  return html`${first}${rest}`;
}

const SHOWN_VERSIONS = 5;

function versionsLine({ name, versions }: BinaryProgress): Html | undefined {
  if (versions.length < 2) return undefined;
  const shown = versions.slice(0, SHOWN_VERSIONS).map(([version, count], index) => {
    const query = new URLSearchParams({ binary: name, version }).toString();
    const link = ['others', 'unknown'].includes(version)
      ? foreign(version)
      : html`<a href="/?${query}">${foreign(version)}</a>`;
    return html`${index === 0 ? '' : ', '}${link} on ${numberText(count)}`;
  });
  const left = versions.length - SHOWN_VERSIONS;
  return html`<p class="small soft">${shown}${left > 0 ? `, and ${left} more versions` : ''}</p>`;
}
