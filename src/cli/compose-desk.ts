import type { Settings } from '../domain/settings.ts';
import { InPlaceKept } from '../installers/in-place-kept.ts';
import { InPlaceReader } from '../installers/in-place-reader.ts';
import type { InstallationReader, KeptFiles } from '../installers/installer.ts';
import { hashFile } from '../platform/files.ts';
import type { ServiceManager } from '../services/service-manager.ts';
import { type Purpose, serviceManager } from './compose-services.ts';

/** Somebody waits for the answer. What takes longer is in trouble, and that is an answer too. */
const PATIENCE_MS = 5_000;

/** What the commands need that only read this host, beside the look half. */
export interface DeskRoles {
  readonly services: ServiceManager;
  readonly kept: KeptFiles;
  /** Believes no cache: every file is hashed. */
  readonly hashing: InstallationReader;
}

/** `orders`: whether those could be given is one of the questions. */
export async function composeDesk(settings: Settings, of: Purpose['of'] = 'questions'): Promise<DeskRoles> {
  return {
    services: await serviceManager(settings, { of, patienceMs: PATIENCE_MS }),
    kept: new InPlaceKept(),
    hashing: new InPlaceReader((path, _stats, algorithm) => hashFile(path, algorithm)),
  };
}
