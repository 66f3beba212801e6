import type { Settings } from '../domain/settings.ts';
import { systemClock } from '../platform/clock.ts';
import { hostIdentity } from '../platform/host-identity.ts';
import type { Http } from '../platform/http.ts';
import { BinManagerReporter } from '../reports/bin-manager.ts';
import { NoReporter } from '../reports/none.ts';
import type { Reporter } from '../reports/reporter.ts';

/** Who tells the release server of this host. Loaded only by ticks that act, and by the one in fifteen that tells. */
export function composeReporter({ api }: Settings, http: Http, asked: 'reports' | 'silence'): Reporter {
  if (asked === 'silence') return new NoReporter();
  return new BinManagerReporter({ api, host: hostIdentity, clock: systemClock }, http);
}
