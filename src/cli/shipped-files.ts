import { readFileSync } from 'node:fs';
import { getAsset, isSea } from 'node:sea';

/** The files of `config/` that are installed; the stand-alone executable has them in it (.ci/package.js). */
export type ShippedName =
  | 'config.example'
  | 'bin-proxy.cron'
  | 'bin-proxy.logrotate'
  | 'bin-proxy.service'
  | 'bin-proxy.timer';

/** One of them as it is shipped. This file and what it is compiled and bundled to lie equally deep in the package. */
export function shippedText(name: ShippedName): string {
  if (isSea()) return getAsset(`config/${name}`, 'utf8');
  return readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8');
}
