/** Sweeps that stop trials before their end: one table in any order of results, after any kill, and the arithmetic of the rules. */
import {
  grid,
  hyperband,
  integer,
  logUniform,
  maximize,
  minimize,
  type RecordedTrial,
  random,
  successiveHalving,
  tpe,
  uniform,
} from '@lockstep/search';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineSweep } from './definition.ts';
import { describeSweep, requireSameSweep } from './description.ts';
import { reread, simulate } from './fixtures/simulated.ts';
import { type JournalEntry, parseEntry, type RunResult } from './journal.ts';
import { createLedger, type SweepRun } from './ledger.ts';
import { median, stepsOfMedian } from './stopping.ts';

const options = {
  experiment: './some.ts',
  space: { rate: logUniform(1e-3, 1), momentum: uniform(0, 1) },
  objective: minimize('validation/loss'),
  ...{ repeats: 2, seed: 7 },
};
const halving = defineSweep({
  ...options,
  ...{ search: random(), trials: 24, stopping: successiveHalving({ min: 10, max: 90, trials: 24 }) },
});

/** A curve that falls to a limit; its order at a rung is not that at the end. Some runs fail, before or after the first rung. */
function resultOf({ params, seed, rung }: SweepRun): RunResult {
  const { rate, momentum } = params as { readonly rate: number; readonly momentum: number };
  if (rate > 0.8) return { reason: 'step 3 is not finite: loss' };
  if (momentum > 0.97 && seed === 8 && rung!.index > 0) return { reason: 'step 12 is not finite: loss' };
  const limit = (Math.log10(rate) + 2) ** 2 + 0.1 * seed;
  return { values: [limit + 20 * momentum * 0.95 ** rung!.steps], steps: rung!.steps };
}

const statusesOf = (trials: readonly RecordedTrial[], status: string): number =>
  trials.filter(({ result }) => result.status === status).length;

describe('successive halving', () => {
  const whole = simulate({ sweep: halving, resultOf, atOnce: 1 });
  const table = whole.table();

  it('continues the best of each rung, by the mean of repeats', () => {
    const trials = whole.recorded();
    const reached = (rung: number) => trials.filter(({ result }) => result.rungs?.[rung] !== undefined);
    const valueAt = (rung: number) => (trial: RecordedTrial) => trial.result.rungs![rung]!.values[0]!;
    expect(statusesOf(trials, 'complete')).toBe(2);
    expect(reached(1).length).toBeLessThanOrEqual(8);
    const worst = Math.max(...reached(1).map(valueAt(0)));
    for (const trial of reached(0)) {
      if (!reached(1).includes(trial) && trial.result.status === 'pruned')
        expect(valueAt(0)(trial)).toBeGreaterThanOrEqual(worst);
    }
    const pruned = trials.find(({ result }) => result.rungs?.length === 2 && result.status === 'pruned')!;
    expect(pruned.result).toMatchObject({ steps: 30, values: pruned.result.rungs![1]!.values });
    expect(whole.best()!.result.rungs!.map(({ steps }) => steps)).toEqual([10, 30, 90]);
  });

  it('has one table for any number of runs side by side and any order of their ends', () => {
    const order = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), order, (atOnce, numbers) => {
        const pick = (count: number): number => (count === 0 ? 0 : numbers.next().value! % count);
        expect(simulate({ sweep: halving, resultOf, atOnce, pick }).table()).toBe(table);
      }),
      { numRuns: 8 },
    );
  });

  it('keeps the rungs of a trial that is cancelled, which have decided about others', () => {
    const journal: JournalEntry[] = [];
    const early = simulate({ sweep: halving, resultOf, atOnce: 1, journal, maxRuns: 60 });
    const going = early.recorded();
    const winner = whole.best()!.number;
    expect(going.some(({ number }) => number === winner)).toBe(false);
    const rest = { sweep: halving, resultOf, atOnce: 3, journal: reread(journal), cancelled: [winner] };
    const ledger = simulate(rest);
    const { result } = ledger.recorded()[winner]!;
    expect(result).toMatchObject({ status: 'cancelled', values: [] });
    expect(result.rungs).toEqual(whole.recorded()[winner]!.result.rungs!.slice(0, result.rungs!.length));
    expect(ledger.recorded()).toHaveLength(24);
    expect(createLedger(halving, rest.journal).table()).toBe(ledger.table());
  });

  it('goes on from a journal that ends anywhere, with the folders of its runs', () => {
    const full: JournalEntry[] = [];
    simulate({ sweep: halving, resultOf, atOnce: 4, journal: full });
    expect(full.filter(({ type }) => type === 'begun')).toHaveLength(48);
    for (let length = 0; length <= full.length; length += 13) {
      const journal = reread(full.slice(0, length)).map((entry) => parseEntry({ ...entry })!);
      const ledger = simulate({ sweep: halving, resultOf, atOnce: 3, journal });
      expect(ledger.table()).toBe(table);
      expect(journal.filter(({ type }) => type === 'begun')).toHaveLength(48);
      expect(journal.filter(({ type }) => type === 'recorded')).toHaveLength(24);
    }
  });

  it('hands out a run that goes on with its folder, its next rung and the length of the last one', () => {
    const ledger = createLedger(halving, [
      { type: 'begun', trial: 0, repeat: 0, run: 'trial-0000-seed-7', generation: 0, params: {} },
      { type: 'ended', trial: 0, repeat: 0, rung: 0, values: [1], steps: 10 },
    ]);
    expect(ledger.next()).toMatchObject({
      trial: 0,
      repeat: 1,
      rung: { index: 0, steps: 10, isLast: false },
    });
    const one = defineSweep({
      ...options,
      ...{ repeats: 1, search: random(), trials: 1 },
      stopping: halving.stopping!,
    });
    const alone = createLedger(one);
    const first = alone.next() as SweepRun;
    alone.begun(first, 'folder');
    alone.ended(first, { values: [1], steps: 10 });
    expect(alone.next()).toMatchObject({ begun: 'folder', rung: { index: 1, steps: 30, isLast: false } });
  });

  it('closes its last bracket when the search has no more', () => {
    const space = { rate: logUniform(1e-3, 1), momentum: uniform(0, 1), width: integer(1, 3) };
    const few = { ...options, space, search: grid({ points: { rate: 2, momentum: 2 } }), trials: 50 };
    const sweep = defineSweep({ ...few, stopping: hyperband({ min: 10, max: 90 }) });
    const tables = [1, 4, 50].map((atOnce) => simulate({ sweep, resultOf, atOnce }).table());
    expect(new Set(tables).size).toBe(1);
    expect(tables[0]!.trim().split('\n')).toHaveLength(12);
  });
});

it('the model of a search sees whole brackets of Hyperband', () => {
  const stopping = hyperband({ min: 10, max: 90 });
  const sweep = defineSweep({ ...options, search: tpe({ startup: 4 }), trials: 25, stopping });
  const ledgers = [1, 5, 40].map((atOnce) => simulate({ sweep, resultOf, atOnce }));
  const [first] = ledgers.map((ledger) => ledger.table());
  for (const ledger of ledgers) expect(ledger.table()).toBe(first);
  expect(ledgers[0]!.recorded().map(({ generation }) => generation)).toEqual([
    ...[...Array(9).fill(0), ...Array(5).fill(1), ...Array(3).fill(2), ...Array(8).fill(3)],
  ]);
});

describe('the median rule', () => {
  const stopping = median({ min: 10, max: 40, minTrials: 3 });
  const sweep = defineSweep({ ...options, ...{ search: random(), trials: 16, generation: 4 }, stopping });

  it('looks every so many steps, and at the end', () => {
    expect(stepsOfMedian(stopping)).toEqual([10, 20, 30, 40]);
    expect(stepsOfMedian(median({ min: 10, max: 45, every: 20 }))).toEqual([10, 30, 45]);
    expect(stepsOfMedian(median({ min: 10, max: 10 }))).toEqual([10]);
    expect(() => median({ min: 11, max: 10 })).toThrow('exchange them?');
  });

  it('stops nothing in the first generation, and gives one table', () => {
    const ledger = simulate({ sweep, resultOf, atOnce: 1 });
    const trials = ledger.recorded();
    expect(statusesOf(trials.slice(0, 4), 'pruned')).toBe(0);
    expect(statusesOf(trials, 'pruned')).toBeGreaterThan(2);
    const journal: JournalEntry[] = [];
    simulate({ sweep, resultOf, atOnce: 3, journal, maxRuns: 31 });
    for (const atOnce of [2, 9]) {
      expect(simulate({ sweep, resultOf, atOnce, pick: () => 0 }).table()).toBe(ledger.table());
      expect(simulate({ sweep, resultOf, atOnce, journal: reread(journal) }).table()).toBe(ledger.table());
    }
  });
});

describe('failures', () => {
  it('a trial that is set aside has no result; the next process tries it again', () => {
    const journal: JournalEntry[] = [];
    const ledger = createLedger(halving);
    for (let run = ledger.next(); typeof run === 'object'; run = ledger.next()) {
      if (run.trial === 5) ledger.setAside(run, 'its workers were lost three times');
      else ledger.ended(run, resultOf(run));
    }
    journal.push(...ledger.takeEntries());
    expect(ledger.next()).toBe('wait');
    expect(ledger.aside).toMatchObject([
      { trial: 5, repeat: 0, reason: 'its workers were lost three times' },
    ]);
    expect(statusesOf(ledger.recorded(), 'complete')).toBe(0);
    const next = simulate({ sweep: halving, resultOf, atOnce: 2, journal: reread(journal) });
    expect(next.table()).toBe(simulate({ sweep: halving, resultOf, atOnce: 1 }).table());
    expect(next.aside).toEqual([]);
  });

  /** The same, without what fails. */
  const repaired = (run: SweepRun): RunResult => {
    const { rate } = run.params as { readonly rate: number };
    return { values: [(Math.log10(rate) + 2) ** 2], steps: run.rung?.steps ?? 90 };
  };
  const failing = (run: SweepRun): RunResult =>
    (run.params as { readonly rate: number }).rate > 0.4 ? { reason: 'no memory' } : repaired(run);

  it.each([
    ['halving', halving],
    ['a search that learns', defineSweep({ ...options, search: tpe({ startup: 4 }), trials: 20 })],
    ['independent trials', defineSweep({ ...options, search: random(), trials: 20 })],
  ])('trials that are tried again are as if they had not failed: %s', (_, sweep) => {
    const journal: JournalEntry[] = [];
    const failed = simulate({ sweep, resultOf: failing, atOnce: 3, journal })
      .recorded()
      .filter(({ result }) => result.status === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    journal.push({ type: 'retried', trials: failed.map(({ number }) => number), forgotten: [] });
    const again = simulate({ sweep, resultOf: repaired, atOnce: 2, journal: reread(journal) });
    expect(again.table()).toBe(simulate({ sweep, resultOf: repaired, atOnce: 1 }).table());
  });
});

describe('several objectives', () => {
  const objectives = [minimize('validation/loss'), maximize('validation/accuracy')];
  const { objective: _, ...rest } = options;
  const sweep = defineSweep({ ...rest, objectives, search: tpe(), trials: 12, repeats: 1 });

  it('have a front, a best trial by the first one, and a value each in the table', () => {
    const both = ({ params }: SweepRun): RunResult => {
      const { rate, momentum } = params as { readonly rate: number; readonly momentum: number };
      return { values: [rate + momentum, momentum], steps: 5 };
    };
    const ledger = simulate({ sweep, resultOf: both, atOnce: 2 });
    expect(ledger.front().length).toBeGreaterThan(1);
    expect(ledger.front().map(({ number }) => number)).toContain(ledger.best()!.number);
    expect(JSON.parse(ledger.table().split('\n')[0]!).values).toEqual({
      'validation/loss': expect.any(Number),
      'validation/accuracy': expect.any(Number),
    });
  });

  it('are named when they change', () => {
    const began = JSON.parse(JSON.stringify(describeSweep(sweep)));
    requireSameSweep(began, describeSweep(sweep));
    const fewer = defineSweep({ ...rest, objective: objectives[0]!, search: tpe(), trials: 12, repeats: 1 });
    expect(() => requireSameSweep(began, describeSweep(fewer))).toThrow(
      'others was [{"metric":"validation/accuracy"',
    );
  });
});

it.each([
  [
    { steps: 90 },
    'the length of every run is max of successiveHalving, 90 steps; leave steps and epochs out',
  ],
  [{ generation: 4 }, 'the brackets of successiveHalving are its generations'],
  [
    { objective: minimize('validation/loss', { over: 'best' }) },
    "an objective over 'best' does not go with it",
  ],
  [{ objective: minimize('cost/flops') }, 'decides by the first objective'],
  [{ objective: undefined }, 'a sweep has either objective'],
  [{ objectives: [minimize('validation/loss')] }, 'a sweep has either objective'],
  [{ stopping: { name: 'asha' } }, 'it must be a rule, such as stopping.successiveHalving'],
  [{ limits: { parameter: 5 } }, "did you mean 'parameters'?"],
])('defineSweep refuses what does not go together: %o', (change, message) => {
  const { stopping } = halving;
  const define = () => defineSweep({ ...options, search: random(), trials: 9, stopping, ...change } as never);
  expect(define).toThrow(message);
});
