/** Which runs are shown, in which order, and how they look. */
import {
  byText,
  compareValues,
  differences,
  keyNamed,
  meets,
  parseFilter,
  settingText,
  type Value,
} from '@lockstep/view';
import { type Look, lookOf, manyLook } from './look.ts';
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
  const looks = visible.length > maxColours ? () => manyLook : createLooks(runs, visible);
  const all = ordered.map((run) => ({
    run,
    label: labels.get(run)!,
    look: looks(run),
    isDrawn: !hidden.has(run.id),
  }));
  return { all, drawn: all.filter(({ isDrawn }) => isDrawn), problem };
}

/** Groups of runs that differ in their seed have a colour each; other runs have theirs. A run keeps its look whatever is filtered. */
function createLooks(runs: readonly ShownRun[], visible: readonly ShownRun[]): (run: ShownRun) => Look {
  const inTime = (runs.length > maxColours ? [...visible] : [...runs]).sort(byTime);
  const groups = [...new Set(inTime.map(({ facts }) => facts.group))];
  const isGrouped = groups.length > 1 && groups.length < inTime.length;
  const members = new Map<string, number>();
  const looks = new Map(
    inTime.map((run, i) => {
      const { group } = run.facts;
      const member = members.get(group) ?? 0;
      members.set(group, member + 1);
      return [run, isGrouped ? lookOf(groups.indexOf(group), member) : lookOf(i, i)];
    }),
  );
  return (run) => looks.get(run) ?? manyLook;
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
  if (state.sort === '' || runs.length === 0) return [...runs].sort(byTime);
  const key = keyNamed([...values.values()], state.sort);
  const of = (run: ShownRun) => values.get(run)!.get(key);
  return [...runs].sort((a, b) => compareValues(of(a), of(b), state.descending) || byText(a.id, b.id));
}

/** In the order in which they began. */
const byTime = (a: ShownRun, b: ShownRun): number =>
  byText(a.facts.created ?? '', b.facts.created ?? '') || byText(a.id, b.id);

const shortened = (settings: Readonly<Record<string, Value | undefined>>) =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, value === undefined ? value : settingText(value)]),
  );

/** Settings that differ; the folder's name where they do not tell runs apart. */
function labelsOf(runs: readonly ShownRun[]): ReadonlyMap<ShownRun, string> {
  const texts = differences(
    runs.map(({ facts: { name, params, config, seed } }) => shortened({ name, ...config, ...params, seed })),
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

export interface Group<One extends Selected> {
  readonly key: string;
  /** What its runs have in common. */
  readonly label: string;
  readonly look: Look;
  readonly members: readonly One[];
}

/** Runs that differ in their seed alone, together. */
export function groupsOf<One extends Selected>(all: readonly One[]): readonly Group<One>[] {
  const groups = new Map<string, One[]>();
  for (const one of all) {
    const { group } = one.run.facts;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return [...groups].map(([key, members]) => {
    const [first] = members;
    const label = first!.label.replace(/ ?\bseed=\S+/, '').trim();
    return {
      key,
      members,
      label: label === '' ? first!.run.facts.name : label,
      look: { ...first!.look, dash: [] },
    };
  });
}
