/** Metrics in groups, in an order that people look for them. */
import type { ShownRun } from './store.ts';

export interface Section {
  readonly title: string;
  readonly metrics: readonly string[];
}

const titles = ['Training', 'Evaluation', 'Speed'] as const;

/** Of metrics of one group these come first. */
const first = ['loss', 'accuracy', 'gradientNorm', 'rate', 'learningRate'];

export function sectionsOf(runs: readonly ShownRun[]): readonly Section[] {
  const kinds = new Map<string, string>();
  for (const { curves } of runs) {
    for (const [name, { kind }] of curves) {
      kinds.set(name, kind === 'derived' ? 'Speed' : kind === 'evaluation' ? 'Evaluation' : 'Training');
    }
  }
  return titles
    .map((title) => ({
      title,
      metrics: [...kinds.keys()].filter((name) => kinds.get(name) === title).sort(byImportance),
    }))
    .filter(({ metrics }) => metrics.length > 0);
}

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
