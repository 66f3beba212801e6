import { completionFor } from '../completion.ts';
import { manifestPage } from '../manual/manifest-page.ts';
import { programPage } from '../manual/program-page.ts';
import { DEFAULT_CONFIG } from '../settings-table.ts';
import { shippedText } from '../shipped-files.ts';

/** A file that belongs on a host. */
export interface WantedFile {
  /** On the host: below the root that was asked for. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** `seed`: of the operator from the beginning, and never offered again. */
  readonly kind: 'shipped' | 'seed';
}

export type Starter = 'cron' | 'timer';

export const MANIFEST = '/etc/bin-proxy/bin-manifests.json';
const READABLE = 0o644;
/** A token may be written into it. */
const SECRET = 0o600;

/** Everything that `install` writes. Without a starter nothing that starts it; `prefix` is where manual and completions go. */
export function wantedFiles(starter: Starter | undefined, prefix: string): readonly WantedFile[] {
  const shipped = (path: string, text: string): WantedFile => ({ path, text, mode: READABLE, kind: 'shipped' });
  const share = `${prefix.replace(/\/+$/, '')}/share`;
  return [
    { ...shipped(DEFAULT_CONFIG, shippedText('config.example')), mode: SECRET },
    { ...shipped(MANIFEST, '{\n  "binaries": []\n}\n'), kind: 'seed' },
    ...(starter === undefined ? [] : starterFiles(starter)).map(([path, name]) => shipped(path, shippedText(name))),
    shipped('/etc/logrotate.d/bin-proxy', shippedText('bin-proxy.logrotate')),
    shipped(`${share}/bash-completion/completions/bin-proxy`, completionFor('bash')),
    shipped(`${share}/zsh/${zshFolder(prefix)}/_bin-proxy`, completionFor('zsh')),
    shipped(`${share}/fish/vendor_completions.d/bin-proxy.fish`, completionFor('fish')),
    shipped(`${share}/man/man8/bin-proxy.8`, programPage()),
    shipped(`${share}/man/man5/bin-manifests.5`, manifestPage()),
  ];
}

export function starterFiles(starter: Starter) {
  const units = '/etc/systemd/system';
  return (
    {
      cron: [['/etc/cron.d/bin-proxy', 'bin-proxy.cron']],
      timer: [
        [`${units}/bin-proxy.service`, 'bin-proxy.service'],
        [`${units}/bin-proxy.timer`, 'bin-proxy.timer'],
      ],
    } as const
  )[starter];
}

/** Debian keeps what its packages bring apart from what a machine's owner does. */
function zshFolder(prefix: string): string {
  return /^\/usr\/?$/.test(prefix) ? 'vendor-completions' : 'site-functions';
}
