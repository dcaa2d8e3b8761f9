/** Sweeps of a function in place of runs: one table in any order of results, and from any part of a journal. */
import { grid, logUniform, minimize, tpe, uniform } from '@lockstep/search';
import { describe, expect, it } from 'vitest';
import { defineSweep, isSweep, type Sweep } from './definition.ts';
import { describeSweep, requireSameSweep } from './description.ts';
import { reread, simulate } from './fixtures/simulated.ts';
import { type JournalEntry, parseEntry, type RunResult } from './journal.ts';
import { createLedger, type SweepRun } from './ledger.ts';

const options = {
  experiment: './some.ts',
  space: { rate: logUniform(1e-3, 1), momentum: uniform(0, 1) },
  search: tpe(),
  objective: minimize('validation/loss'),
  ...{ trials: 12, repeats: 2, generation: 3, seed: 7 },
};
const sweep = defineSweep(options);

const resultOf = ({ params, seed }: SweepRun): RunResult => {
  const { rate, momentum } = params as { readonly rate: number; readonly momentum: number };
  if (momentum > 0.9 && seed === 8) return { reason: 'step 3 was not finite: loss' };
  return { values: [(Math.log10(rate) + 1) ** 2 + momentum / seed], steps: 10 };
};

const train = (of: Sweep, atOnce: number, journal: JournalEntry[] = [], maxRuns = Number.POSITIVE_INFINITY) =>
  simulate({ sweep: of, resultOf, atOnce, journal, maxRuns });

describe('a ledger', () => {
  const table = train(sweep, 1).table();

  it('gives the same table for any number of runs side by side', () => {
    expect(table.split('\n')).toHaveLength(13);
    for (const atOnce of [2, 3, 6, 100]) expect(train(sweep, atOnce).table()).toBe(table);
  });

  it('goes on from a journal that ends after any run, and from one that lacks the last entry', () => {
    for (let maxRuns = 0; maxRuns <= 24; maxRuns++) {
      for (const numLost of [0, 1]) {
        const journal: JournalEntry[] = [];
        train(sweep, 3, journal, maxRuns);
        const lines = journal.slice(0, Math.max(0, journal.length - numLost));
        const read = lines.map((entry) => parseEntry(JSON.parse(JSON.stringify(entry)))!);
        expect(train(sweep, 2, read).table()).toBe(table);
      }
    }
  });

  it('hands out the folder of a run that was begun, once', () => {
    const begun: JournalEntry = {
      ...{ type: 'begun', trial: 0, repeat: 1, run: 'runs/x', generation: 0, params: {} },
    };
    const ledger = createLedger(sweep, [begun]);
    expect([ledger.next(), ledger.next()]).toMatchObject([
      { trial: 0, repeat: 0, seed: 7 },
      { trial: 0, repeat: 1, seed: 8, begun: 'runs/x' },
    ]);
  });

  it('names the first repeat that failed, whichever ended first', () => {
    const ledger = createLedger(sweep);
    ledger.next();
    ledger.ended({ trial: 0, repeat: 1 }, { reason: 'second' });
    ledger.ended({ trial: 0, repeat: 0 }, { reason: 'first' });
    expect(ledger.recorded()[0]?.result).toEqual({ status: 'failed', values: [], reason: 'seed 7: first' });
  });

  describe('cancels a trial', () => {
    /** Cancels trial 4 when so many runs have ended: before it is asked for, while it waits or runs, and when it is recorded. */
    const cancelledAfter = (numEnded: number, atOnce: number) => {
      const journal: JournalEntry[] = [];
      const first = train(sweep, atOnce, journal, numEnded);
      first.cancel(4);
      journal.push(...first.takeEntries());
      const ledger = createLedger(sweep, reread(journal));
      ledger.cancel(4);
      const next = simulate({ sweep, resultOf, atOnce, journal, cancelled: [4] });
      return { table: next.table(), status: next.recorded()[4]!.result.status };
    };

    it('and has one table whenever it is cancelled, which ends when it is recorded', () => {
      const early = cancelledAfter(0, 1);
      expect(early.status).toBe('cancelled');
      expect(early.table).not.toBe(table);
      const line = JSON.parse(early.table.split('\n')[4]!);
      expect(line).toMatchObject({ trial: 4, status: 'cancelled', values: null });
      for (const numEnded of [5, 7, 8, 9]) expect(cancelledAfter(numEnded, 1)).toEqual(early);
      for (const numEnded of [0, 3, 6]) expect(cancelledAfter(numEnded, 3)).toEqual(early);
      expect(cancelledAfter(12, 1)).toEqual({ table, status: 'complete' });
    });

    it('whose runs still end, without counting', () => {
      const ledger = createLedger(sweep);
      const run = ledger.next() as SweepRun;
      ledger.cancel(run.trial);
      ledger.ended(run, { values: [1], steps: 10 });
      expect(ledger.recorded().map(({ result }) => result)).toEqual([{ status: 'cancelled', values: [] }]);
      expect(ledger.takeEntries().map(({ type }) => type)).toEqual(['recorded']);
      expect(ledger.next()).toMatchObject({ trial: 1, repeat: 0 });
    });

    it('that was set aside, so that the sweep can end', () => {
      const ledger = createLedger(defineSweep({ ...options, trials: 1, repeats: 1 }));
      ledger.setAside(ledger.next() as SweepRun, 'it lost its workers');
      expect(ledger.next()).toBe('wait');
      ledger.cancel(0);
      expect([ledger.next(), ledger.aside]).toEqual(['done', []]);
    });
  });

  it('ends when a grid has no more combinations', () => {
    const small = defineSweep({ ...options, search: grid({ points: 2 }), repeats: 1 });
    expect(train(small, 3).recorded()).toHaveLength(4);
  });
});

describe('defineSweep', () => {
  it('marks a sweep and gives it its defaults', () => {
    const { experiment, space, search, objective, trials } = options;
    const made = defineSweep({ experiment, space, search, objective, trials });
    expect(made).toMatchObject({ repeats: 1, generation: 4, seed: 1, constraints: {} });
    expect([isSweep(made), isSweep({ ...options })]).toEqual([true, false]);
  });

  it('refuses options that do not fit', () => {
    const wrong = (change: object) => () => defineSweep({ ...options, ...change });
    expect(wrong({ repeat: 2 })).toThrow("there is no option 'repeat'; did you mean 'repeats'?");
    expect(wrong({ trials: 0 })).toThrow('defineSweep: trials is 0; it must be a whole number ≥ 1');
    expect(wrong({ profile: 'fna' })).toThrow("did you mean 'fma'?");
    expect(wrong({ search: {} })).toThrow('search');
    expect(wrong({ space: { rate: [1, 2] } })).toThrow('choice([1,2])');
    expect(wrong({ search: grid() })).toThrow('give points');
  });
});

describe('requireSameSweep', () => {
  const began = JSON.parse(JSON.stringify(describeSweep(sweep)));

  it('allows another order of names', () => {
    const space = { momentum: options.space.momentum, rate: options.space.rate };
    requireSameSweep(began, describeSweep(defineSweep({ ...options, space })));
  });

  it('names every difference', () => {
    const space = { rate: logUniform(1e-4, 1), width: uniform(0, 1) };
    const changed = () =>
      requireSameSweep(began, describeSweep(defineSweep({ ...options, space, trials: 13 })));
    expect(changed).toThrow(
      "'width' was added; 'momentum' was removed; 'rate' was logUniform(0.001, 1) and is",
    );
    expect(changed).toThrow('trials was 12 and is 13');
  });
});
