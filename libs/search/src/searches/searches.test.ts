import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Assignment,
  choice,
  cmaEs,
  createStudy,
  gaussianProcess,
  hypervolume,
  integer,
  latinHypercube,
  logUniform,
  maximize,
  minimize,
  type Objective,
  oneOf,
  random,
  type Search,
  type Space,
  type StudyOptions,
  sobol,
  type Trial,
  type TrialResult,
  tableOf,
  tpe,
  uniform,
} from '../index.ts';

const mixed = {
  rate: logUniform(1e-4, 1),
  momentum: uniform(0, 1, { step: 0.1 }),
  batch: choice([32, 64, 128]),
  depth: integer(1, 4),
  units: integer(8, 512, { log: true }),
  head: oneOf({
    linear: {},
    mlp: { width: integer(16, 64), gate: choice([true, false]) },
    deep: { width: integer(64, 128) },
  }),
  fixed: uniform(3, 3),
} satisfies Space;

/** Computed by + − · / only, so that the tables below are the same on every machine. */
function lossOf(params: Assignment): number {
  const { rate, momentum, batch, depth, units, head, width = 40 } = params as Record<string, number>;
  const parts = [rate! - 0.1, momentum! - 0.7, (depth! - 3) / 4, (units! - 100) / 500, (width - 48) / 64];
  const squares = parts.reduce((sum, part) => sum + part * part, 0);
  return squares + (batch === 64 ? 0 : 0.05) + ((head as unknown) === 'mlp' ? 0 : 0.1);
}

const loss = minimize('loss');

/** Results of each kind: one of seven trials fails by itself, one has NaN, one was stopped early. */
function resultOf({ number, params }: Trial): TrialResult {
  const value = lossOf(params);
  switch (number % 7) {
    case 3:
      return { status: 'failed', values: [], reason: 'the loss is NaN' };
    case 4:
      return { status: 'complete', values: [Number.NaN] };
    case 5:
      return { status: 'pruned', values: [value + 0.5], steps: 10 };
    default:
      return { status: 'complete', values: [value] };
  }
}

type Options = Omit<StudyOptions<Space>, 'space' | 'objectives'> & {
  readonly space?: Space;
  readonly objectives?: readonly Objective[];
};

function run(options: Options, answer = resultOf, pick = (_count: number) => 0) {
  const objectives = options.objectives ?? [loss];
  const study = createStudy({ space: mixed as Space, ...options, objectives });
  const running: Trial[] = [];
  for (;;) {
    const next = study.ask();
    if (typeof next === 'object') {
      running.push(next);
      continue;
    }
    if (running.length === 0) break;
    const [trial] = running.splice(pick(running.length), 1);
    study.tell(trial!.number, answer(trial!));
  }
  return study;
}

const searches: readonly Search[] = [
  random(),
  sobol(),
  latinHypercube({ points: 8 }),
  tpe({ startup: 6 }),
  tpe({ startup: 6, multivariate: true }),
  cmaEs({ population: 4 }),
  gaussianProcess({ startup: 6 }),
];
const titled = searches.map((search) => ({
  title: `${search.name} ${JSON.stringify(search.options)}`,
  search,
}));

describe.each(titled)('$title', ({ search }) => {
  const base = { search, seed: 5, generation: 3, numTrials: 18 };
  const table = tableOf(run(base).recorded(), [loss]);

  it('has the same trials whatever the order of arrival', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (order) => {
        const pick = (count: number) => order.next().value! % count;
        expect(tableOf(run(base, resultOf, pick).recorded(), [loss])).toBe(table);
      }),
      { numRuns: 3 },
    );
  });

  it('has the same trials if it ends within a generation and goes on later', () => {
    const first = run({ ...base, numTrials: 14 }).recorded();
    expect(tableOf(run({ ...base, recorded: first }).recorded(), [loss])).toBe(table);
    expect(table.startsWith(tableOf(first, [loss]))).toBe(true);
  });

  it('has values of the space, with the parameters of the chosen branch only', () => {
    for (const { params } of run(base).recorded()) {
      const branch = { linear: [], mlp: ['gate', 'width'], deep: ['width'] }[params.head as 'linear'];
      expect(Object.keys(params)).toEqual(
        [...['batch', 'depth', 'fixed', 'head', 'momentum', 'rate', 'units'], ...branch].sort(),
      );
      expect(params.fixed).toBe(3);
      if (params.head === 'deep') expect(params.width).toBeGreaterThanOrEqual(64);
    }
  });

  it('meets constraints', () => {
    const constraints = { small: (params: Assignment) => Number(params.depth) * Number(params.units) < 300 };
    for (const { params } of run({ ...base, constraints }).recorded()) {
      expect(Number(params.depth) * Number(params.units)).toBeLessThan(300);
    }
  });

  it('says that constraints which nothing meets are impossible', () => {
    const constraints = { none: () => false };
    expect(() => run({ ...base, constraints })).toThrow("that the constraints allow ('none' refused");
  });

  it('goes on where no trial has a value', () => {
    const study = run(base, () => ({ status: 'failed', values: [] }));
    expect(study.recorded()).toHaveLength(18);
  });
});

it('tables are the same bytes on every machine', () => {
  const hashes = titled.map(({ title, search }) => {
    const { length } = searches;
    const table = tableOf(run({ search, seed: length, generation: 2, numTrials: 20 }).recorded(), [loss]);
    return [title, createHash('sha256').update(table).digest('hex').slice(0, 16)];
  });
  expect(Object.fromEntries(hashes)).toMatchInlineSnapshot(`
    {
      "cmaEs {"population":4,"sigma":0.16666666666666666}": "b128c07782ad81c5",
      "gaussianProcess {"startup":6,"maxTrials":200}": "ec0576d890fdfe6d",
      "latinHypercube {"points":8}": "6f2b306e2efac55a",
      "random {}": "b8cee3218351d9ed",
      "sobol {"scramble":true}": "46f38878e1c2224f",
      "tpe {"startup":6,"candidates":24,"multivariate":false,"best":0.1,"bandwidth":0.15,"priorWeight":1}": "17435a90364ce248",
      "tpe {"startup":6,"candidates":24,"multivariate":true,"best":0.15,"bandwidth":0.15,"priorWeight":1}": "88661daf1df5d0b3",
    }
  `);
});

describe('what a search finds', () => {
  const box = { x: uniform(-5, 10), y: uniform(0, 15) };
  const branin = ({ params }: Trial): TrialResult => {
    const [x, y] = [params.x as number, params.y as number];
    const bend = y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6;
    return { status: 'complete', values: [bend ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10] };
  };
  const regret = (search: Search, numTrials: number) => {
    const found = [0, 1, 2].map(
      (seed) =>
        run({ space: box, search, seed, generation: 4, numTrials }, branin).best()!.result.values[0]! -
        0.397887,
    );
    return found.sort((a, b) => a - b)[1]!;
  };

  // The bounds are twice the upper quartiles of Optuna, but for random draws that are beaten.
  it.each([
    ['tpe', tpe(), 60, 0.5],
    ['cmaEs', cmaEs(), 100, 0.3],
    ['gaussianProcess', gaussianProcess({ startup: 8 }), 28, 0.05],
  ] as const)('%s comes near the minimum of Branin', (_name, search, numTrials, most) => {
    expect(regret(search, numTrials)).toBeLessThan(most);
  });

  it('cmaEs finds whole numbers', () => {
    const space = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, integer(0, 30)]));
    const bowl = ({ params }: Trial): TrialResult => ({
      ...{ status: 'complete' },
      values: [Object.values(params).reduce<number>((sum, x, i) => sum + (Number(x) - 5 - 9 * i) ** 2, 0)],
    });
    const best = run({ space, search: cmaEs(), seed: 1, generation: 7, numTrials: 140 }, bowl).best()!;
    expect(best.result.values[0]).toBeLessThanOrEqual(1);
  });

  it('gaussianProcess finds options', () => {
    const space = { kind: choice(['a', 'b', 'c', 'd', 'e']), x: uniform(0, 1), n: integer(0, 9) };
    const offsets = { a: 0.4, b: 0.3, c: 0, d: 0.5, e: 0.2 };
    const answer = ({ params }: Trial): TrialResult => {
      const { kind, x, n } = params as { kind: 'a'; x: number; n: number };
      return { status: 'complete', values: [offsets[kind] + (x - 0.3) ** 2 + ((n - 7) / 9) ** 2] };
    };
    const best = run(
      { space, search: gaussianProcess({ startup: 8 }), seed: 2, generation: 2, numTrials: 26 },
      answer,
    ).best()!;
    expect(best.params).toMatchObject({ kind: 'c', n: 7 });
    expect(Math.abs(Number(best.params.x) - 0.3)).toBeLessThan(0.02);
  });

  it('tpe approaches the front of two objectives', () => {
    const space = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, uniform(0, 1)]));
    const objectives = [minimize('f'), maximize('g')] as const;
    // ZDT1 of Zitzler, Deb and Thiele (2000), its second objective negated.
    const zdt1 = ({ params }: Trial): TrialResult => {
      const [a = 0, ...rest] = Object.values(params) as number[];
      const distance = 1 + 3 * rest.reduce((sum, x) => sum + x, 0);
      return { status: 'complete', values: [a, -distance * (1 - Math.sqrt(a / distance))] };
    };
    const volume = (search: Search, seed: number) =>
      hypervolume(
        objectives,
        run({ space, search, seed, objectives, generation: 4, numTrials: 80 }, zdt1).recorded(),
        [1, -6],
      );
    for (const seed of [0, 1, 2]) expect(volume(tpe(), seed)).toBeGreaterThan(volume(random(), seed) + 0.2);
  });
});

describe('what a search needs', () => {
  const two = [minimize('loss'), maximize('score')];
  it.each([
    [
      cmaEs(),
      { objectives: two },
      'cmaEs: the sweep has 2 objectives, and the search has one; use tpe(), or one objective',
    ],
    [gaussianProcess(), { objectives: two }, 'gaussianProcess: the sweep has 2 objectives'],
    [
      cmaEs(),
      { space: { a: choice([1, 2]) } },
      'cmaEs: the space has no numeric parameter outside of choices',
    ],
  ])('%o refuses %o', (search, changed, message) => {
    expect(() => run({ search, seed: 0, numTrials: 4, ...changed })).toThrow(message);
  });

  it.each([
    [() => tpe({ startup: 0 }), 'tpe: startup is 0; it must be a whole number ≥ 1'],
    [() => tpe({ best: 1 }), 'tpe: best is 1; it must be a number above 0 and below 1'],
    [() => cmaEs({ populaton: 4 } as never), "did you mean 'population'"],
    [() => gaussianProcess({ maxTrials: 1 }), 'gaussianProcess: maxTrials is 1'],
    [() => sobol({ scramble: 1 } as never), 'sobol: scramble is 1; it must be true or false'],
  ])('refuses %s', (make, message) => {
    expect(make).toThrow(message);
  });
});

it('a process of many trials sees the best and the last ones', () => {
  const small = gaussianProcess({ startup: 6, maxTrials: 10 });
  const study = run({ search: small, seed: 1, generation: 5, numTrials: 40 });
  expect(study.recorded()).toHaveLength(40);
  expect(study.best()!.result.values[0]).toBeLessThan(0.3);
});
