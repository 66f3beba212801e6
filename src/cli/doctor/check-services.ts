import { composeDesk } from '../compose-desk.ts';
import { serviceStates } from '../service-states.ts';
import { type Check, fail, ok, type Patient, type Said, skip, warn } from './finding.ts';

export const SERVICE_CHECKS: readonly Check[] = [{ name: 'supervisor', look: lookAtServices }];

/** That it answers, knows every service of the manifest, and that none is down that nobody stopped. */
async function lookAtServices({ settings, entries }: Patient): Promise<readonly Said[]> {
  const wanted = new Set(entries.flatMap(({ services }) => services));
  if (wanted.size === 0) return [skip('no binary has a service')];
  const { services } = await composeDesk(settings, 'orders');
  const { of, unknown, trouble, hint } = await serviceStates(entries, services);
  if (trouble !== undefined) {
    const advice =
      hint ?? 'Install supervisor, or set "service": false: until then files are updated and nothing restarted.';
    return [hint === undefined ? warn(trouble, advice) : fail(trouble, advice)];
  }
  const said: Said[] = [];
  for (const name of new Set([...unknown.values()].flat())) {
    const advice = `Is it in /etc/supervisor/conf.d? supervisorctl reread && supervisorctl update. Or correct "service".`;
    said.push(fail(`it knows no program "${name}"`, advice));
  }
  const processes = new Map([...of.values()].flat().map((one) => [one.process, one]));
  for (const { process, state, detail, failing } of processes.values()) {
    if (failing === 'yes')
      said.push(warn(`${process} is ${state.toUpperCase()} (${detail})`, `supervisorctl tail ${process} stderr`));
  }
  const count = wanted.size === 1 ? '1 service' : `all ${wanted.size} services`;
  return said.length > 0 ? said : [ok(`answers, and knows ${count}`)];
}
