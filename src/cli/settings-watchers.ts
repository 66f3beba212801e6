import { isAbsolute } from 'node:path';
import type { Settings } from '../domain/settings.ts';
import { distrust } from '../platform/trust.ts';
import { findSettings, findWithoutConfig } from './settings.ts';
import type { Found } from './settings-found.ts';
import type { SettingSources } from './settings-lookup.ts';
import { readProxies } from './settings-proxy.ts';
import type { SettingKey } from './settings-table.ts';
import { secretUrl } from './settings-url.ts';

/** Whom a run tells of itself, and by which way. */
export type Watchers = Pick<Settings, 'metricsFile' | 'pingUrl' | 'caFile' | 'proxies'>;

/**
 * Those that can be made out where the settings as a whole are not valid: a host that is updated no more must not look
 * well. Of a config file that others can write nothing is believed: root would write where they say. Never throws.
 */
export async function findWatchers(sources: SettingSources): Promise<Watchers> {
  const found = await foundIn(sources).catch(() => findWithoutConfig(sources));
  const path = (key: SettingKey) => {
    const { value } = found.get(key) ?? {};
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  const [metricsFile, caFile] = [path('metricsFile'), path('caFile')];
  const pingUrl = secretUrl(found.get('pingUrl')?.value ?? '');
  const proxies = readProxies(found, []);
  return {
    ...(metricsFile !== undefined && { metricsFile }),
    ...(pingUrl !== undefined && { pingUrl }),
    ...(caFile !== undefined && { caFile }),
    ...(proxies !== undefined && { proxies }),
  };
}

async function foundIn(sources: SettingSources): Promise<ReadonlyMap<SettingKey, Found>> {
  const { found, configFile } = await findSettings(sources);
  return (await distrust(configFile)) === undefined ? found : findWithoutConfig(sources);
}
