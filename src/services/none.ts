import type { LastWords } from '../domain/evidence.ts';
import type { ServiceName } from '../domain/names.ts';
import type { ServiceManager, ServiceStatus } from './service-manager.ts';

/** A host without a service manager: nothing is restarted, and the outcome says so. */
export class NoServiceManager implements ServiceManager {
  inspect(services: readonly ServiceName[]): Promise<ReadonlyMap<ServiceName, ServiceStatus>> {
    return Promise.resolve(new Map(services.map((service) => [service, { kind: 'unmanaged' }])));
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  restart(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<'settled'> {
    return Promise.resolve('settled');
  }

  startTime(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  lastWords(): Promise<readonly LastWords[]> {
    return Promise.resolve([]);
  }
}
