import type { Proxies } from '../domain/settings.ts';
import type { Found } from './settings-found.ts';
import type { SettingKey } from './settings-table.ts';

/**
 * Through which proxies servers are asked, or undefined for none. Nothing of an address that cannot be read is told: it
 * may hold a password (invariant 14).
 */
export function readProxies(found: ReadonlyMap<SettingKey, Found>, problems: string[]): Proxies | undefined {
  const [http, https] = (['httpProxy', 'httpsProxy'] as const).map((key) => {
    const given = found.get(key) ?? found.get('allProxy');
    return given === undefined ? undefined : proxyUrl(given, problems);
  });
  if (http === undefined && https === undefined) return undefined;
  return {
    ...(http !== undefined && { http }),
    ...(https !== undefined && { https }),
    none: (found.get('noProxy')?.value ?? '').split(/[\s,]+/).filter((word) => word !== ''),
  };
}

/** As curl has it, `proxy.example:3128` is one of http. */
function proxyUrl({ value, from }: Found, problems: string[]): URL | undefined {
  const text = value.trim();
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url;
  const problem = `${from}: expected the address of a proxy such as http://proxy.example:3128`;
  // Both of http and https may come from the same place.
  if (!problems.includes(problem)) problems.push(problem);
  return undefined;
}
