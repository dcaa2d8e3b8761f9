/** Which runs are shown, in which order, and how they look. */
import { byText, compareValues, differences, keyNamed, meets, parseFilter } from '@lockstep/view';
import { type Look, looks, manyLook } from './look.ts';
import type { ViewState } from './state.ts';
import { type ShownRun, valuesOf } from './store.ts';

export interface Selected {
  readonly run: ShownRun;
  /** What tells the run from the others. */
  readonly label: string;
  readonly look: Look;
  /** Whether its curves are drawn. */
  readonly isDrawn: boolean;
}

export interface Selection {
  /** Runs that the filter lets through, in order. */
  readonly all: readonly Selected[];
  readonly drawn: readonly Selected[];
  /** Why the filter or the order cannot be followed. */
  readonly problem: string | undefined;
}

/** More runs than these are drawn in one colour, because nobody tells so many apart. */
const maxColours = 24;

export function select(runs: readonly ShownRun[], state: ViewState): Selection {
  const values = new Map(runs.map((run) => [run, valuesOf(run)]));
  let problem: string | undefined;
  const tryOr = <T>(action: () => T, otherwise: T): T => {
    try {
      return action();
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      return otherwise;
    }
  };
  const filtered = tryOr(() => filter(runs, values, state.filter), runs);
  const ordered = tryOr(() => order(filtered, values, state), filtered);
  const hidden = new Set(state.hidden);
  const labels = labelsOf(runs);
  const visible = ordered.filter(({ id }) => !hidden.has(id));
  // A run keeps its look whatever the others are filtered by.
  const isMany = runs.length > maxColours && visible.length > maxColours;
  const ranks = new Map(
    (isMany ? [] : visible.length > looks.length ? visible : runs).map((run, i) => [run, i]),
  );
  const all = ordered.map((run) => ({
    run,
    label: labels.get(run)!,
    look: isMany ? manyLook : looks[(ranks.get(run) ?? 0) % looks.length]!,
    isDrawn: !hidden.has(run.id),
  }));
  return { all, drawn: all.filter(({ isDrawn }) => isDrawn), problem };
}

type Values = ReadonlyMap<ShownRun, ReturnType<typeof valuesOf>>;

function filter(runs: readonly ShownRun[], values: Values, text: string): readonly ShownRun[] {
  if (text.trim() === '') return runs;
  const conditions = parseFilter(text).map((condition) => ({
    ...condition,
    key: keyNamed([...values.values()], condition.key),
  }));
  return runs.filter((run) => conditions.every((condition) => meets(values.get(run)!, condition)));
}

function order(runs: readonly ShownRun[], values: Values, state: ViewState): readonly ShownRun[] {
  if (state.sort === '' || runs.length === 0) return runs;
  const key = keyNamed([...values.values()], state.sort);
  const of = (run: ShownRun) => values.get(run)!.get(key);
  return [...runs].sort((a, b) => compareValues(of(a), of(b), state.descending) || byText(a.id, b.id));
}

/** Settings that differ; the folder's name where they do not tell runs apart. */
function labelsOf(runs: readonly ShownRun[]): ReadonlyMap<ShownRun, string> {
  const texts = differences(
    runs.map(({ facts: { name, params, config, seed } }) => ({ name, ...config, ...params, seed })),
  );
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return new Map(
    runs.map((run, i) => {
      const text = texts[i]!;
      const ending = run.id.slice(-4);
      const isAlone = text !== '' && counts.get(text) === 1;
      return [run, isAlone ? text : text === '' ? run.id : `${text} ${ending}`];
    }),
  );
}
