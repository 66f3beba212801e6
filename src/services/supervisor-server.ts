import { dirname, join } from 'node:path';
import { iniSections } from '../platform/ini.ts';
import type { RpcServer } from '../platform/xml-rpc.ts';

const DEFAULT_URL = 'http://localhost:9001';

/** What the configuration of a supervisorctl says. */
export interface ConfiguredServer extends RpcServer {
  /** Whether its shell writes a history of what it is told, which is a person's and no program's. */
  readonly history: 'kept' | 'none';
}

/**
 * Reads the section `[supervisorctl]`; undefined where there is none, or where it needs supervisor to be understood: asking
 * another supervisord than supervisorctl would is worse than asking supervisorctl.
 */
export function serverOf(text: string): ConfiguredServer | undefined {
  const sections = iniSections(text);
  const section = sections.get('supervisorctl');
  if (section === undefined || section.has === 'more' || sections.has('DEFAULT')) return undefined;
  const { keys } = section;
  const url = keys.get('serverurl') ?? DEFAULT_URL;
  const [username, password] = [keys.get('username'), keys.get('password')];
  if ([url, username, password].some((value) => value?.includes('%'))) return undefined;
  const address = addressOf(url);
  const auth = username === undefined || password === undefined ? undefined : `${username}:${password}`;
  const history = keys.has('history_file') ? 'kept' : 'none';
  return address === undefined ? undefined : { address, history, ...(auth !== undefined && { auth }) };
}

function addressOf(url: string): RpcServer['address'] | undefined {
  if (url.startsWith('unix://')) {
    const socketPath = url.slice('unix://'.length);
    return socketPath.startsWith('/') ? { socketPath } : undefined;
  }
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'http:') return undefined;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || '80') };
}

/** Where a `supervisorctl` at `program` looks for its configuration when it is run in `/`. */
export function searchedFiles(program: string): readonly string[] {
  const installed = dirname(dirname(program));
  const beside = ['etc/supervisord.conf', 'supervisord.conf'].map((name) => join(installed, name));
  return [...beside, '/supervisord.conf', '/etc/supervisord.conf', '/etc/supervisor/supervisord.conf'];
}
