import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { STYLE } from './page-style.ts';

/** Nothing is loaded and nothing runs but this style: a host's text that got through would still do nothing. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** A page. `title` is what the tab says. */
export function page(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Html(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** What a stranger wrote: its direction is its own. */
export function foreign(text: string): Html {
  return html`<bdi>${text}</bdi>`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** `3 h`; below a minute `now`. Both in milliseconds. */
function spanText(ms: number): string {
  const unit = UNITS.find(([, size]) => ms >= size);
  return unit === undefined ? 'now' : `${Math.floor(ms / unit[1])} ${unit[0]}`;
}

/** `3 h ago`, and the exact time for whoever points at it. */
export function ago(at: number, now: number): Html {
  const text = spanText(now - at);
  return html`<time datetime="${timeText(at)}" title="${timeText(at)}">${text === 'now' ? 'just now' : `${text} ago`}</time>`;
}

/** `for 3 h`, likewise. */
export function since(at: number, now: number): Html {
  const text = spanText(now - at);
  return html`<time datetime="${timeText(at)}" title="since ${timeText(at)}">${text === 'now' ? 'just now' : `for ${text}`}</time>`;
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `2026-11-21 05:29:14 UTC`. */
export function moment(ms: number): Html {
  return html`<time datetime="${timeText(ms)}">${timeText(ms).replace('T', ' ').replace('Z', ' UTC')}</time>`;
}

/** `10,000`. */
export function numberText(value: number): string {
  return value.toLocaleString('en-US');
}

export function hosts(count: number): string {
  return `${numberText(count)} ${count === 1 ? 'host' : 'hosts'}`;
}

export function hostLink(id: string, name: string): Html {
  return html`<a href="/hosts/${encodeURIComponent(id)}">${foreign(name)}</a>`;
}
