/** Metrics in groups, in an order that people look for them. */
import type { ShownRun } from './store.ts';

export interface Section {
  readonly title: (typeof titles)[number];
  readonly metrics: readonly string[];
}

/** `Final`: of every run one value, at its end. */
const titles = ['Training', 'Evaluation', 'Final', 'Speed'] as const;

/** Of metrics of one group these come first. */
const first = ['loss', 'accuracy', 'gradientNorm', 'rate', 'learningRate'];

export function sectionsOf(runs: readonly ShownRun[]): readonly Section[] {
  const kinds = new Map<string, string>();
  for (const { curves } of runs) {
    for (const [name, { kind }] of curves) {
      const title = kind === 'derived' ? 'Speed' : kind === 'evaluation' ? 'Evaluation' : 'Training';
      kinds.set(name, title === 'Evaluation' && isFinal(runs, name) ? 'Final' : title);
    }
  }
  return titles
    .map((title) => ({
      title,
      metrics: [...kinds.keys()].filter((name) => kinds.get(name) === title).sort(byImportance),
    }))
    .filter(({ metrics }) => metrics.length > 0);
}

const isFinal = (runs: readonly ShownRun[], name: string): boolean =>
  name.startsWith('test/') && runs.every(({ curves }) => (curves.get(name)?.curve.steps.length ?? 0) <= 1);

/** Splits stay together: validation before test, loss before accuracy. */
function byImportance(a: string, b: string): number {
  const [splitA, nameA] = partsOf(a);
  const [splitB, nameB] = partsOf(b);
  return (
    rank(splits, splitA) - rank(splits, splitB) || rank(first, nameA) - rank(first, nameB) || (a < b ? -1 : 1)
  );
}

const splits = ['', 'train', 'validation', 'test'];

function partsOf(metric: string): readonly [split: string, name: string] {
  const at = metric.indexOf('/');
  return at === -1 ? ['', metric] : [metric.slice(0, at), metric.slice(at + 1)];
}

function rank(list: readonly string[], name: string): number {
  const at = list.indexOf(name);
  return at === -1 ? list.length : at;
}
