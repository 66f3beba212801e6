// A process of its own that takes what hosts report, so that it can be killed: node fleet-server.mjs STORE [BOUNDS]
import fastify from 'fastify';
import { openFleet } from '../../dist/manager/fleet/fleet.js';
import { StoreCatalogReader } from '../../dist/manager/fleet/offers.js';
import { fleetRoutes } from '../../dist/manager/fleet/routes.js';
import { ReleaseStore } from '../../dist/manager/store.js';
import { note } from '../../dist/manager/wording.js';

const [store, bounds] = process.argv.slice(2);
const catalog = new StoreCatalogReader(new ReleaseStore(store), note);
const fleet = await openFleet({
  directory: `${store}/nodes`,
  catalog,
  now: () => new Date(),
  ...(bounds !== undefined && { bounds: JSON.parse(bounds) }),
});
const app = fastify();
const pass = () => Promise.resolve();
fleetRoutes(app, { fleet, gate: { look: pass, report: pass, introduce: pass } });
await app.listen({ host: '127.0.0.1', port: 0 });
process.on('SIGTERM', () => {
  app.close().then(() => fleet.close());
});
process.stdout.write(`${app.server.address().port}\n`);
