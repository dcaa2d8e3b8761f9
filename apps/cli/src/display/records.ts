/** Records of runs as text: a list, and one run. */
import {
  chainOf,
  identityOf,
  metricsOf,
  type RunRecord,
  type Value,
  type Values,
  valuesOf,
} from '@lockstep/records';
import { duration, metric, plural, rate, shortHash, sparkline, wrapped } from './format.ts';
import { bytesText } from './programs.ts';
import { fittedTable, type TableColumn } from './table.ts';

/** Stands for a value that a run lacks. */
export const none = '–';

/** One line for each run. `keys`: what the runs were selected and sorted by, which has a column before others. */
export function runsText(runs: readonly RunRecord[], keys: readonly string[], width: number): string {
  if (runs.length === 0) return 'no runs\n';
  const all = runs.map(valuesOf);
  const shown = [
    'run',
    'status',
    'steps',
    ...keys,
    ...differingParams(runs, all),
    ...resultsOf(runs, all),
    'seconds',
  ];
  const columns = [...new Set(shown)]
    .filter((key) => all.some((values) => values.has(key)))
    .map((key) => columnOf(key, all, isMetric(key, runs)));
  const { lines, left } = fittedTable(columns, width);
  const rest = left.length === 0 ? [] : [leftOut(left)];
  return [...lines, ...rest].map((line) => `${line}\n`).join('');
}

/** Says which columns found no room. */
export const leftOut = (columns: readonly string[]): string =>
  `(the terminal is too narrow for ${columns.join(', ')})`;

function columnOf(key: string, all: readonly Values[], isMetric: boolean): TableColumn {
  const values = all.map((of) => of.get(key));
  const cell = (value: Value): string =>
    isMetric && typeof value === 'number' ? metric(key, value) : valueText(key, value);
  return {
    heading: key === 'seconds' ? 'time' : key,
    cells: values.map((value) => (value === undefined ? none : cell(value))),
    isNumeric: values.every((value) => typeof value !== 'string'),
  };
}

/** Parameters and settings are shown as they were given; metrics, which are measured, with few digits. */
const isMetric = (key: string, runs: readonly RunRecord[]): boolean =>
  /^(?:last|best)\./.test(key) || runs.some(({ curves }) => Object.hasOwn(curves, key));

export function valueText(key: string, value: Value): string {
  if (key === 'seconds') return duration(Number(value));
  return /^(?:fingerprint|chain|identity|data)$/.test(key) ? shortHash(String(value)) : String(value);
}

/** Keys of the parameters in which the runs differ. */
function differingParams(runs: readonly RunRecord[], all: readonly Values[]): readonly string[] {
  const names = [...new Set(runs.flatMap(({ params }) => Object.keys(params)))];
  return names
    .filter((name) => new Set(runs.map(({ params }) => params[name])).size > 1)
    .map((name) => shortKey('params', name, all));
}

/** Keys of the last values of evaluated metrics, those of the test first, and of the loss. */
function resultsOf(runs: readonly RunRecord[], all: readonly Values[]): readonly string[] {
  const curves = runs.flatMap((run) => Object.entries(run.curves));
  const evaluated = curves.filter(([, { kind }]) => kind === 'evaluation').map(([name]) => name);
  const tests = evaluated.filter((name) => name.startsWith('test/'));
  return [...tests, ...evaluated, 'loss'].map((name) => shortKey('last', name, all));
}

/** A key without its prefix, unless that key names something else in one of the runs. */
function shortKey(prefix: string, name: string, all: readonly Values[]): string {
  const whole = `${prefix}.${name}`;
  return all.every((values) => Object.is(values.get(name), values.get(whole))) ? name : whole;
}

/** Everything of a run that people ask for. */
export function runText(run: RunRecord, width: number): string {
  const { created, steps, totalSteps, durationMs, machine, versions } = run;
  const of = totalSteps === undefined ? '' : ` of ${rate(totalSteps)}`;
  const took = durationMs === undefined ? '' : `, in ${duration(durationMs / 1_000)}`;
  const last = run.fingerprints.at(-1);
  const { host, cpu, cores, memoryBytes } = machine ?? {};
  const parts = [host, cpu, cores === undefined ? undefined : plural(cores, 'core')];
  const memory = memoryBytes === undefined ? undefined : `${bytesText(memoryBytes)} of memory`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['experiment', `${run.name}${run.experiment?.file === undefined ? '' : `, ${run.experiment.file}`}`],
    ['status', `${run.status}, ${rate(steps)}${of} steps${took}`],
    ['created', created],
    ['command', run.command === undefined ? undefined : `lockstep ${run.command.map(shellWord).join(' ')}`],
    ['parent', parentText(run)],
    ['sweep', run.sweep && `${run.sweep.folder}, trial ${run.sweep.trial}`],
    ['seed', run.seed === undefined ? undefined : String(run.seed)],
    ['params', assignments(run.params)],
    ['settings', assignments(run.config)],
    ['profile', run.profile],
    [
      'versions',
      Object.entries(versions)
        .map((pair) => pair.join(' '))
        .join(', ') || undefined,
    ],
    ['machine', [...parts, memory].filter((part) => part !== undefined).join(', ') || undefined],
    ['fingerprint', last === undefined ? undefined : `${last.fingerprint} at step ${last.step}`],
    ['chain', chainOf(run)],
    ['data', run.data],
    ['identity', identityOf(run)],
    ['builds', run.builds.map(shortHash).join(', ') || undefined],
    ['checkpoints', run.checkpoints.length === 0 ? undefined : `steps ${run.checkpoints.join(', ')}`],
  ];
  const lines = rows.flatMap(([heading, text]) =>
    text === undefined ? [] : [wrapped(text, width, `  ${heading.padEnd(12)} `, ' '.repeat(15))],
  );
  return `${[run.folder, ...lines, '', ...metricLines(run, width)].join('\n')}\n`;
}

/** Where the first steps of a branch are, with their metrics. */
function parentText({ parent }: RunRecord): string | undefined {
  if (parent === undefined) return undefined;
  const { run, step } = parent;
  return `${run}, which has the steps up to ${rate(step)} and their metrics`;
}

function metricLines(run: RunRecord, width: number): readonly string[] {
  const metrics = Object.entries(metricsOf(run));
  if (metrics.length === 0) return ['  no metrics yet'];
  const table: readonly TableColumn[] = [
    { heading: '  metric', cells: metrics.map(([name]) => `  ${name}`) },
    { heading: 'last', cells: metrics.map(([name, { last }]) => metric(name, last)), isNumeric: true },
    {
      heading: 'best',
      cells: metrics.map(([name, { best }]) => (best === undefined ? none : metric(name, best))),
      isNumeric: true,
    },
    {
      heading: 'at step',
      cells: metrics.map(([, { bestStep }]) => (bestStep === undefined ? none : rate(bestStep))),
      isNumeric: true,
    },
    { heading: 'curve', cells: metrics.map(([name]) => sparkline(run.curves[name]!.values, sparkCells)) },
  ];
  return fittedTable(table, width).lines;
}

/** Characters of a curve. */
export const sparkCells = 24;

const assignments = (values: Readonly<Record<string, Value>>): string | undefined =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${shellWord(String(value))}`)
    .join(' ') || undefined;

/** A word as a shell reads it. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
