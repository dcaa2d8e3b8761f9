import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  choice,
  createStudy,
  grid,
  integer,
  logUniform,
  maximize,
  minimize,
  oneOf,
  type RecordedTrial,
  random,
  type Search,
  type Space,
  type Study,
  type StudyOptions,
  type Trial,
  type TrialResult,
  tableOf,
  uniform,
} from '../index.ts';
import { randomAssignment } from '../searches/search.ts';

const space = {
  rate: logUniform(1e-4, 1e-1),
  batch: choice([64, 128, 256]),
  head: oneOf({ linear: {}, mlp: { width: integer(32, 256) } }),
};
const base = { space, search: random(), seed: 7, objectives: [minimize('loss')], numTrials: 10 };

const complete = (...values: number[]): TrialResult => ({ status: 'complete', values });

/** Proposes random assignments around the best one so far, so that every result decides what comes next. */
const follower: Search = {
  name: 'follower',
  options: {},
  isAdaptive: true,
  over: (problem) => (history, numbers) =>
    numbers.map((trial) => randomAssignment({ ...problem, seed: Math.floor(1e6 * sum(history)) }, trial)),
};
const sum = (history: readonly RecordedTrial[]): number =>
  history.reduce((total, { result }, i) => total + (i + 1) * (result.values[0] ?? 1), 0) % 1;

/** Something that depends on every parameter. */
const lossOfParams = ({ params }: Trial): number => {
  const digits = JSON.stringify(params);
  return [...digits].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 1009, 7) / 1009;
};

/** Runs a study with `width` trials at once, whose results arrive in an order that `pick` decides. */
function runStudy(study: Study, width: number, pick: (count: number) => number): string {
  const running: Trial[] = [];
  for (;;) {
    const next = running.length < width ? study.ask() : 'wait';
    if (typeof next === 'object') running.push(next);
    else if (running.length === 0) break;
    else {
      const [trial] = running.splice(pick(running.length), 1);
      study.tell(trial!.number, complete(lossOfParams(trial!)));
    }
  }
  return tableOf(study.recorded(), [minimize('loss')]);
}

describe('trials', () => {
  it('have the types of the space', () => {
    const trial = createStudy(base).ask();
    if (typeof trial !== 'object') throw new Error('no trial');
    if (trial.params.head === 'mlp') expectTypeOf(trial.params.width).toEqualTypeOf<number>();
    expectTypeOf(trial.params.batch).toEqualTypeOf<64 | 128 | 256>();
  });

  it('a parameter that is added does not move the others', () => {
    const all = (study: Study) => Array.from({ length: 10 }, () => (study.ask() as Trial).params);
    const more = { ...space, dropout: uniform(0, 0.5), a: choice([1, 2]) };
    const before = all(createStudy(base));
    const after = all(createStudy({ ...base, space: more }));
    expect(after.map(({ dropout: _d, a: _a, ...rest }) => rest)).toEqual(before);
    expect(new Set(before.map((params) => JSON.stringify(params))).size).toBe(10);
  });

  it('the same seed gives the same trials, another one does not', () => {
    expect(runStudy(createStudy(base), 1, () => 0)).toBe(runStudy(createStudy(base), 1, () => 0));
    expect(runStudy(createStudy(base), 1, () => 0)).not.toBe(
      runStudy(createStudy({ ...base, seed: 8 }), 1, () => 0),
    );
  });

  it('are as they were when the random numbers were defined', () => {
    const { params } = createStudy({ ...base, seed: 0 }).ask() as Trial;
    expect(params).toEqual({ batch: 64, head: 'linear', rate: 0.03558885885473767 });
  });
});

describe('generations', () => {
  it('no order of arrival and no number of trials at once changes a trial', () => {
    const sizes = fc.oneof(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 6 }),
        fc.infiniteStream(fc.nat()),
        (generation, width, order) => {
          const options = { ...base, search: follower, generation };
          const expected = runStudy(createStudy(options), 1, () => 0);
          const pick = (count: number) => order.next().value! % count;
          expect(runStudy(createStudy(options), width, pick)).toBe(expected);
        },
      ),
    );
  });

  it('the size of generations matters, or the test above would show nothing', () => {
    const run = (generation: number) =>
      runStudy(createStudy({ ...base, search: follower, generation }), 1, () => 0);
    expect(run(1)).not.toBe(run(2));
  });

  it('an adaptive search waits for all results of a generation', () => {
    const study = createStudy({ ...base, search: follower, generation: 2, numTrials: 4 });
    const [first, second] = [study.ask() as Trial, study.ask() as Trial];
    expect(study.ask()).toBe('wait');
    study.tell(second.number, complete(1));
    expect(study.ask()).toBe('wait');
    study.tell(first.number, { status: 'failed', values: [], reason: 'NaN' });
    expect(study.ask()).toMatchObject({ number: 2, generation: 1 });
    expect(study.ask()).toMatchObject({ number: 3 });
    expect(study.ask()).toBe('done');
  });

  it('other searches never wait', () => {
    const study = createStudy({ ...base, generation: 1 });
    for (let i = 0; i < 10; i++) expect(study.ask()).toMatchObject({ number: i });
    expect(study.ask()).toBe('done');
  });
});

describe('resuming', () => {
  const options: StudyOptions<Space> = { ...base, search: follower, generation: 4 };
  const reference = createStudy(options);
  const table = runStudy(reference, 1, () => 0);

  it('from any part of the results leads to the same table', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 1, max: 4 }), (count, width) => {
        // What was recorded when the sweep died: all of the generations before, any of the last one.
        const done = reference.recorded().slice(0, count);
        const partly = done.filter(
          ({ number, generation }) => number % 2 === 0 || generation < Math.floor((count - 1) / 4),
        );
        const study = createStudy({ ...options, recorded: [...partly].reverse() });
        expect(runStudy(study, width, () => 0)).toBe(table);
      }),
    );
  });

  it('gives unfinished trials again', () => {
    const recorded = reference.recorded().filter(({ number }) => number !== 5 && number < 7);
    const study = createStudy({ ...options, recorded });
    expect(study.ask()).toMatchObject({ number: 5 });
    expect(study.ask()).toMatchObject({ number: 7 });
    expect(study.ask()).toBe('wait');
  });

  it('trials may be added later', () => {
    const more = { ...options, numTrials: 17 };
    const all = runStudy(createStudy(more), 1, () => 0);
    const study = createStudy({ ...more, recorded: reference.recorded() });
    expect(runStudy(study, 1, () => 0)).toBe(all);
    expect(all.startsWith(table)).toBe(true);
  });

  it('does not propose again what is recorded', () => {
    let calls = 0;
    const counted: Search = {
      ...follower,
      over: (problem) => (history, numbers) => {
        calls++;
        return follower.over(problem)(history, numbers);
      },
    };
    const study = createStudy({ ...options, search: counted, recorded: reference.recorded().slice(0, 9) });
    study.ask();
    expect(calls).toBe(1);
  });

  it.each([
    [{ params: { ...reference.recorded()[9]!.params, batch: 65 } }, 'trial 9 is recorded with batch = 65'],
    [{ params: { ...reference.recorded()[9]!.params, more: 1 } }, 'trial 9 is recorded with more = 1'],
    [{ params: reference.recorded()[0]!.params }, 'but this sweep proposes'],
    [{ number: 12 }, 'but this sweep proposes no such trial'],
    [{ number: 0 }, 'a trial is recorded twice'],
  ])('refuses what the sweep would not propose: %o', (changed, message) => {
    const last = { ...reference.recorded()[9]!, ...changed };
    const recorded = [...reference.recorded().slice(0, 8), last];
    expect(() => createStudy({ ...options, recorded })).toThrow(message);
  });
});

describe('results', () => {
  it('are taken once, from proposed trials, with a value for each objective', () => {
    const study = createStudy({ ...base, objectives: [minimize('loss'), maximize('accuracy')] });
    study.ask();
    study.ask();
    study.tell(0, complete(1, 2));
    study.tell(1, { status: 'failed', values: [] });
    expect(() => study.tell(0, complete(1, 2))).toThrow('trial 0 has a result already');
    expect(() => study.tell(9, complete(1, 2))).toThrow('trial 9 was not proposed');
    study.ask();
    expect(() => study.tell(2, complete(1))).toThrow('has 1 values; the sweep has 2 objectives');
  });

  it('the best one is the first of the best complete ones', () => {
    const study = createStudy({ ...base, objectives: [maximize('accuracy')] });
    expect(study.best()).toBeUndefined();
    const told: TrialResult[] = [
      complete(Number.NaN),
      complete(1),
      { status: 'pruned', values: [9], steps: 10 },
      complete(2),
      complete(2),
      { status: 'failed', values: [] },
    ];
    for (let i = 0; i < told.length; i++) study.ask();
    for (const [number, result] of [...told.entries()].reverse()) study.tell(number, result);
    expect(study.best()!.number).toBe(3);
  });
});

describe('constraints', () => {
  it('are met by every trial, and do not move trials that meet them', () => {
    const constraints = { narrow: (params: { batch: number }) => params.batch < 200 };
    const free = createStudy({ ...base, numTrials: 50 });
    const bound = createStudy({ ...base, numTrials: 50, constraints });
    for (let i = 0; i < 50; i++) {
      const [a, b] = [free.ask() as Trial, bound.ask() as Trial];
      expect(b.params.batch).toBeLessThan(200);
      if (Number(a.params.batch) < 200) expect(b).toEqual(a);
    }
  });

  it.each([random(), grid({ points: 3 })])('that nothing meets are an error: $name', (search) => {
    const study = createStudy({ ...base, search, constraints: { never: () => false } });
    expect(() => study.ask()).toThrow("no assignment was found that the constraints allow ('never' refused");
  });
});

describe('grid', () => {
  it('tries all combinations once, and is done', () => {
    const study = createStudy({ ...base, search: grid({ points: { rate: 2, width: 3 } }), numTrials: 1000 });
    const trials: Trial['params'][] = [];
    for (let next = study.ask(); next !== 'done'; next = study.ask()) trials.push((next as Trial).params);
    expect(trials).toHaveLength(3 * 2 * (1 + 3));
    expect(trials.slice(0, 4)).toEqual([
      { batch: 64, head: 'linear', rate: 1e-4 },
      { batch: 64, head: 'linear', rate: 1e-1 },
      { batch: 64, head: 'mlp', rate: 1e-4, width: 32 },
      { batch: 64, head: 'mlp', rate: 1e-1, width: 32 },
    ]);
    expect(new Set(trials.map((params) => JSON.stringify(params))).size).toBe(24);
  });

  it('has all values of short ranges', () => {
    const axes = { a: integer(1, 3), b: uniform(0, 1, { step: 0.5 }) };
    const study = createStudy({ ...base, space: axes, search: grid() });
    const found = Array.from({ length: 9 }, () => (study.ask() as Trial).params);
    expect(found.map(({ a, b }) => [a, b])).toEqual([1, 2, 3].flatMap((a) => [0, 0.5, 1].map((b) => [a, b])));
  });

  it('skips what constraints refuse', () => {
    const axes = { a: integer(1, 3), b: integer(1, 3) };
    const constraints = { ordered: ({ a, b }: { a: number; b: number }) => a < b };
    const study = createStudy({ ...base, space: axes, search: grid(), constraints });
    expect([0, 1, 2].map(() => Object.values((study.ask() as Trial).params))).toEqual([
      ...[
        [1, 2],
        [1, 3],
        [2, 3],
      ],
    ]);
    expect(study.ask()).toBe('done');
  });

  it('needs a number of points for a range of all numbers', () => {
    expect(() => createStudy({ ...base, search: grid() })).toThrow(
      "grid: parameter 'rate' has every number from 0.0001 to 0.1; give points, such as grid({ points: { rate: 5 } })",
    );
  });
});

it.each([
  [{ seed: -1 }, 'sweep: seed is -1; it must be a whole number ≥ 0'],
  [{ objectives: [] }, 'sweep: objectives is an empty list; it needs at least one'],
  [{ generation: 0 }, 'sweep: generation is 0'],
  [{ generation: [] }, 'sweep: generation is an empty list'],
  [
    { search: random },
    'sweep: search is the function random; it must be a search, such as random() or tpe()',
  ],
  [{ sead: 1 }, "did you mean 'seed'"],
  [
    { constraints: { a: true } },
    'sweep: constraints is an object of a; it must be an object of functions by name',
  ],
])('refuses the options %o', (changed, message) => {
  expect(() => createStudy({ ...base, ...changed } as never)).toThrow(message);
});
