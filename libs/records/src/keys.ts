/** What runs are filtered, sorted and compared by. */
import { LockstepError, nearNames } from '@lockstep/errors';
import { identityOf } from './identity.ts';
import { chainOf, metricsOf, type RunRecord, type Value } from './record.ts';

/**
 * Every value of a run by its key. Keys of one name take precedence in this order: the run's own (`status`), its settings
 * (`batchSize`), the parameters of its experiment, its metrics. A prefix names one kind: `config.`, `params.`, `last.`, `best.`.
 */
export type Values = ReadonlyMap<string, Value>;

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

/** Options of the command line are written `--batch-size`, settings `batchSize`. */
const camelCase = (key: string): string =>
  key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The key as runs have it. Throws `config`, with the nearest keys, where none of the runs has it. */
export function keyNamed(all: readonly Values[], key: string): string {
  const known = [key, camelCase(key)].find((name) => all.some((values) => values.has(name)));
  if (known !== undefined) return known;
  const names = [...new Set(all.flatMap((values) => [...values.keys()]))];
  const near = nearNames(key, names);
  const shown = names.filter((name) => !/^(?:config|params|last|best)\./.test(name)).sort();
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `they have ${shown.join(', ')}`;
  throw new LockstepError('config', `no run has '${key}'; ${hint}`, { key, near });
}
