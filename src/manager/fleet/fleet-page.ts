import { hostsTable } from './hosts-table.ts';
import { type Html, html } from './html.ts';
import type { Overview } from './overview.ts';
import { hosts, moment, numberText, page } from './page.ts';
import { releasesPart } from './releases-part.ts';
import { type Selection, selectionQuery, selects } from './selection.ts';
import { HOST_STATES, type HostState } from './standing.ts';
import { STATE_WORDS } from './wording.ts';

const PER_PAGE = 50;
/** Numbers that are always there, so that their absence needs no thought; the others only when they are not 0. */
const ALWAYS: readonly HostState[] = ['ok', 'behind', 'rolled-back', 'lost'];

/** `GET /`: what somebody wants to know about the fleet, most urgent first. `wanted` is the number of a page, from 1. */
export function fleetPage(overview: Overview, selection: Selection, wanted: unknown): Html {
  const { at, states } = overview;
  const trouble = states['rolled-back'] + states.failed;
  const title = trouble > 0 ? `(${trouble}) Fleet` : 'Fleet';
  return page(
    title,
    html`<a class="skip" href="#hosts">Skip to the hosts</a>
<header><h1>Fleet</h1><p class="small soft">as of ${moment(at)}</p></header>
<main>
${overview.hosts.length === 0 ? emptyPart() : statesPart(overview, selection)}
${overview.binaries.length === 0 ? undefined : html`<h2>Releases</h2>\n${releasesPart(overview.binaries, at)}`}
${overview.hosts.length === 0 ? undefined : hostsPart(overview, selection, wanted)}
</main>`,
  );
}

function emptyPart(): Html {
  return html`<h2>No host has reported yet</h2>
<p>Hosts appear here by themselves. Each one that runs bin-proxy tells this server what it runs: after every change, and
every 15 minutes. It does so as soon as it learns that this server takes reports, which the server says with its index:</p>
<pre>curl -sI http://this-server/api/v1/index.json | grep -i bin-manager-reports</pre>
<p>If that says <code>Bin-Manager-Reports: 1</code> and a host is still missing, look at its settings:
<code>BIN_MANAGER_API</code> names this server, and <code>BIN_PROXY_REPORT</code> is not <code>off</code>.
Older clients appear with their first <code>POST /keepalive</code>.</p>`;
}

function statesPart({ hosts: all, states }: Overview, selection: Selection): Html {
  const item = (state: HostState | undefined, count: number, word: string) => {
    const query = state === undefined ? '' : `?${selectionQuery({ state }).toString()}`;
    const current = selection.state === state ? html` aria-current="true"` : undefined;
    const tone = count > 0 && state !== undefined ? `tone ${state}` : '';
    return html`<li class="${count === 0 ? 'zero' : ''}"><a href="/${query}#hosts"${current}><b class="${tone}">${numberText(count)}</b><span>${word}</span></a></li>\n`;
  };
  const shown = HOST_STATES.filter((state) => ALWAYS.includes(state) || states[state] > 0);
  return html`<ul class="states" aria-label="Hosts by state">
${item(undefined, all.length, all.length === 1 ? 'host' : 'hosts')}${shown.map((state) => item(state, states[state], STATE_WORDS[state]))}</ul>`;
}

function hostsPart(overview: Overview, selection: Selection, wanted: unknown): Html {
  const found = overview.hosts.filter(selects(selection));
  const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
  const asked = typeof wanted === 'string' && /^\d{1,6}$/.test(wanted) ? Number(wanted) : 1;
  const number = Math.min(Math.max(asked, 1), pages);
  const shown = found.slice((number - 1) * PER_PAGE, number * PER_PAGE);
  const range =
    pages === 1
      ? hosts(found.length)
      : `${numberText((number - 1) * PER_PAGE + 1)}–${numberText((number - 1) * PER_PAGE + shown.length)} of ${hosts(found.length)}`;
  return html`<h2 id="hosts">Hosts</h2>
${searchForm(overview, selection)}
${shown.length === 0 ? html`<p>No host is like that. <a href="/#hosts">Show all</a></p>` : html`<p class="small soft">${range}</p>\n${hostsTable(shown, overview.at)}`}
${pages > 1 ? pagesNav(selection, number, pages) : undefined}`;
}

function searchForm({ binaries }: Overview, { text, state, binary, version }: Selection): Html {
  const option = (value: string, word: string, chosen: string | undefined) =>
    html`<option value="${value}"${value === chosen ? html` selected` : undefined}>${word}</option>`;
  return html`<form action="/#hosts" method="get" role="search" aria-label="Hosts">
<label>Name <input type="search" name="name" value="${text}" autocomplete="off" spellcheck="false"></label>
<label>State <select name="state">${option('', 'any', state ?? '')}${HOST_STATES.map((one) => option(one, STATE_WORDS[one], state))}</select></label>
<label>Binary <select name="binary">${option('', 'any', binary ?? '')}${binaries.map(({ name }) => option(name, name, binary))}</select></label>
${version === undefined ? undefined : html`<label>Version <input name="version" value="${version}" autocomplete="off"></label>`}
<button>Show</button>
</form>`;
}

function pagesNav(selection: Selection, number: number, pages: number): Html {
  const link = (to: number, word: string, rel: string) => {
    if (to < 1 || to > pages) return html`<span class="soft">${word}</span>`;
    const query = selectionQuery(selection);
    query.set('page', String(to));
    return html`<a rel="${rel}" href="/?${query.toString()}#hosts">${word}</a>`;
  };
  return html`<nav aria-label="Pages">${link(number - 1, 'Previous', 'prev')}<span class="soft">${number} of ${pages}</span>${link(number + 1, 'Next', 'next')}</nav>`;
}
