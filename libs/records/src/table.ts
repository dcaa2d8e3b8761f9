/** Runs as tables, for CSV, Parquet and what reads them. */
import { ownValues } from './keys.ts';
import { metricsOf, type RunRecord, type Value } from './record.ts';

/** A column holds values of one type; `null` stands for one that is missing. */
export type Column =
  | { readonly name: string; readonly type: 'text'; readonly values: readonly (string | null)[] }
  | { readonly name: string; readonly type: 'number'; readonly values: readonly (number | null)[] }
  | { readonly name: string; readonly type: 'boolean'; readonly values: readonly (boolean | null)[] };

/** Columns of the same length. */
export type Table = readonly Column[];

/** One row for each run: settings, parameters, and the last and best value of each metric. */
export function runsTable(runs: readonly RunRecord[]): Table {
  const rows = runs.map(rowOf);
  // Columns of one kind stay together where runs have different metrics.
  const rank = (name: string): number => kinds.findIndex((prefix) => name.startsWith(prefix));
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const sorted = names
    .map((name, i) => ({ name, i }))
    .sort((a, b) => rank(a.name) - rank(b.name) || a.i - b.i);
  return sorted.map(({ name }) =>
    columnOf(
      name,
      rows.map((row) => row[name] ?? null),
    ),
  );
}

const kinds = ['params.', 'config.', 'last.', 'best.', 'programs.', 'versions.'];

function rowOf(run: RunRecord): Readonly<Record<string, Value | undefined>> {
  const metrics = Object.entries(metricsOf(run));
  return {
    ...ownValues(run),
    folder: run.folder,
    experimentHash: run.experiment?.hash,
    build: run.builds.at(-1),
    ...{ cpu: run.machine?.cpu, cores: run.machine?.cores, parentStep: run.parent?.step },
    ...prefixed('params.', run.params),
    ...prefixed('config.', run.config),
    ...Object.fromEntries(metrics.map(([metric, { last: value }]) => [`last.${metric}`, value])),
    ...Object.fromEntries(metrics.map(([metric, { best }]) => [`best.${metric}`, best])),
    ...prefixed('programs.', run.programs),
    ...prefixed('versions.', run.versions),
  };
}

const prefixed = (prefix: string, values: Readonly<Record<string, Value>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));

/** One row for each value: run, step, kind (`step` or `evaluation`), name, value. */
export function metricsTable(runs: readonly RunRecord[]): Table {
  const rows = runs.flatMap(({ id, curves }) =>
    Object.entries(curves).flatMap(([name, { kind, steps, values }]) =>
      steps.map((step, i) => ({ run: id, step, kind, name, value: values[i]! })),
    ),
  );
  return [
    { name: 'run', type: 'text', values: rows.map(({ run }) => run) },
    { name: 'step', type: 'number', values: rows.map(({ step }) => step) },
    { name: 'kind', type: 'text', values: rows.map(({ kind }) => kind) },
    { name: 'name', type: 'text', values: rows.map(({ name }) => name) },
    { name: 'value', type: 'number', values: rows.map(({ value }) => value) },
  ];
}

/** Values of several types become text: a choice may be between `1` and `'all'`. */
function columnOf(name: string, values: readonly (Value | null)[]): Column {
  if (values.every((value) => value === null || typeof value === 'number')) {
    return { name, type: 'number', values };
  }
  if (values.every((value) => value === null || typeof value === 'boolean')) {
    return { name, type: 'boolean', values };
  }
  return { name, type: 'text', values: values.map((value) => (value === null ? null : String(value))) };
}
