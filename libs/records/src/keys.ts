/** What runs are filtered, sorted and compared by. */
import type { Values } from '@lockstep/view';
import { identityOf } from './identity.ts';
import { chainOf, metricsOf, type RunRecord, type Value } from './record.ts';

/** As `Values` describes them. */
export function valuesOf(run: RunRecord): Values {
  const metrics = Object.entries(metricsOf(run));
  const last = metrics.map(([name, summary]) => [name, summary.last] as const);
  const best = metrics.map(([name, summary]) => [name, summary.best] as const);
  // A later entry replaces an earlier one.
  const entries: readonly (readonly [string, Value | undefined])[] = [
    ...last,
    ...prefixed('last', last),
    ...prefixed('best', best),
    ...settingsOf(run),
    ...Object.entries(ownValues(run)),
  ];
  return new Map(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined));
}

/** Parameters and configuration, with and without their prefix. */
function settingsOf({ params, config }: RunRecord): (readonly [string, Value])[] {
  const [declared, configured] = [Object.entries(params), Object.entries(config)];
  return [...declared, ...prefixed('params', declared), ...configured, ...prefixed('config', configured)];
}

const prefixed = <T>(prefix: string, entries: readonly (readonly [string, T])[]): [string, T][] =>
  entries.map(([name, value]) => [`${prefix}.${name}`, value]);

/** What a run has beside its settings, parameters and metrics. */
export function ownValues(run: RunRecord): Readonly<Record<string, Value | undefined>> {
  const { id, name, status, created, steps, totalSteps, seed, profile, durationMs, data, platform } = run;
  const last = run.fingerprints.at(-1);
  return {
    ...{ run: id, name, status, created, steps, totalSteps, seed, profile, data, platform },
    seconds: durationMs === undefined ? undefined : durationMs / 1_000,
    experiment: run.experiment?.file,
    host: run.machine?.host,
    parent: run.parent?.run,
    fingerprint: last?.fingerprint,
    chain: chainOf(run),
    identity: identityOf(run),
  };
}
