/** Plans that are shared by programs which differ in numbers: each is the plan that planning it alone gives. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionOf, type Recipe, recipes } from '../fixtures/compositions.ts';
import { allOf, type Step, steps } from '../fixtures/programs.ts';
import { numbers, rates, renumbered, textOf } from '../fixtures/renumbered.ts';
import {
  allReduceSum,
  checkpoint,
  cond,
  createPlanner,
  grad,
  type Plan,
  type PlanOptions,
  type Program,
  planProgram,
  scan,
  stack,
  type Tensor,
  tensor,
  traceProgram,
  vmap,
} from '../index.ts';

const numRuns = process.env.LOCKSTEP_THOROUGH === '1' ? 400 : 20;
const aval = { dtype: 'float32', shape: [4] } as const;
const trace = (f: (x: Tensor) => Tensor): Program => traceProgram((x) => [f(x!)], [aval]);

/** Plans are shared if they have the same places, which only a plan can make. */
const isShared = (a: Plan, b: Plan): boolean => a.places === b.places;

function planned(first: Program, second: Program, options?: PlanOptions): { a: Plan; b: Plan } {
  const planner = createPlanner({ maxPlans: 8 });
  const [a, b] = [first, second].map((program) => planner.plan(program, options)) as [Plan, Plan];
  for (const [plan, program] of [
    [a, first],
    [b, second],
  ] as const) {
    expect(textOf(plan)).toBe(textOf(planProgram(program, options)));
  }
  return { a, b };
}

const shares = (f: (r: number) => (x: Tensor) => Tensor, one: number, other: number): boolean => {
  const { a, b } = planned(trace(f(one)), trace(f(other)));
  return isShared(a, b);
};

/** A rate, a decay beside a number of the library, and a number in a chain that is fused. */
const update =
  (rate: number) =>
  (x: Tensor): Tensor =>
    x.mul(rate).add(x.square().mul(0.9).add(1e-8).sqrt()).sub(x.tanh().mul(-rate));

describe('createPlanner', () => {
  it('shares a plan between programs that differ in a rate', () => {
    expect(shares(update, 0.01, 0.3)).toBe(true);
    expect(shares(update, 1e-45, 3e38)).toBe(true);
  });

  it('keeps hashes apart', () => {
    const { a, b } = planned(trace(update(0.1)), trace(update(0.2)));
    expect(a.hash).not.toBe(b.hash);
  });

  it.each([0, -0, 1, -1, 2, 0.5, Number.NaN, Infinity, -Infinity])('plans %s by itself', (special) => {
    expect(shares(update, 0.1, special)).toBe(false);
    expect(shares(update, special, 0.1)).toBe(false);
    expect(shares(update, special, special)).toBe(true);
  });

  it('keeps equal numbers apart from different ones, as the plan holds equal ones once', () => {
    const two = (a: number, b: number) => trace((x) => x.mul(a).sum().add(x.mul(b).sum()));
    const { a, b } = planned(two(0.1, 0.2), two(0.3, 0.3));
    expect(isShared(a, b)).toBe(false);
    const { a: c, b: d } = planned(two(0.1, 0.1), two(0.3, 0.3));
    expect(isShared(c, d)).toBe(true);
    expect(c.program.constants).toHaveLength(1);
  });

  it('plans a number by itself that equals a number of which the planner makes equations', () => {
    const rows = vmap((x: Tensor) =>
      cond(
        x.sum().greater(0),
        (y: Tensor) => y.mul(0.7),
        (y: Tensor) => y,
        x,
      ),
    );
    const f = (r: number) =>
      trace((x) =>
        rows(stack([x, x.neg()]))
          .sum(0)
          .mul(r),
      );
    const { a, b } = planned(f(0.1), f(0.7));
    expect(isShared(a, b)).toBe(false);
    expect(b.program.constants.length).toBe(a.program.constants.length - 1);
    expect(isShared(...pair(f(0.7), f(0.1)))).toBe(false);
    expect(isShared(...pair(f(0.1), f(0.2)))).toBe(true);
  });

  it('does not share plans of other structures, options or arrays', () => {
    expect(
      isShared(
        ...pair(
          trace(update(0.1)),
          trace((x) => update(0.1)(x).neg()),
        ),
      ),
    ).toBe(false);
    const weighted = (w: readonly number[]) => trace((x) => x.mul(tensor([...w], { dtype: 'float32' })));
    expect(isShared(...pair(weighted([1, 2, 3, 4]), weighted([1, 2, 3, 5])))).toBe(false);
    const planner = createPlanner({ maxPlans: 8 });
    const [arena, given] = [
      planner.plan(trace(update(0.1))),
      planner.plan(trace(update(0.2)), { outputs: 'given' }),
    ];
    expect(isShared(arena, given)).toBe(false);
    expect(textOf(given)).toBe(textOf(planProgram(trace(update(0.2)), { outputs: 'given' })));
  });

  it('forgets the plan that was used the longest time ago', () => {
    const planner = createPlanner({ maxPlans: 2 });
    const programs = [0.1, 0.2, 0.3].map((r, i) => (s: number) => trace((x) => x.mul(r * s).add(i)));
    const [first, second, third] = programs.map((program) => (s: number) => planner.plan(program(s)));
    const kept = first!(1);
    second!(1);
    expect(isShared(first!(1.5), kept)).toBe(true);
    const last = third!(1);
    expect(isShared(first!(1.7), kept)).toBe(true);
    expect(isShared(third!(1.1), last)).toBe(true);
    expect(textOf(second!(1.3))).toBe(textOf(planProgram(programs[1]!(1.3))));
    expect(isShared(third!(1.2), last)).toBe(true);
    expect(isShared(first!(1.9), kept)).toBe(false);
  });

  it('refuses a cache of no plans', () => {
    expect(() => createPlanner({ maxPlans: 0 })).toThrow(/maxPlans/);
  });
});

const pair = (first: Program, second: Program): [Plan, Plan] => {
  const { a, b } = planned(first, second);
  return [a, b];
};

describe('numbers in the bodies of constructs', () => {
  const loop = (decay: number) => (x: Tensor) =>
    scan((s: Tensor, row: Tensor) => [s.mul(decay).add(row.tanh()), s.mul(0.7)], x, stack([x, x, x]))[0];
  const branch = (r: number) => (x: Tensor) =>
    cond(
      x.sum().greater(r),
      (y: Tensor) => y.mul(r),
      (y: Tensor) => y.sub(r),
      x,
    );

  it('share a plan', () => {
    expect(shares(loop, 0.9, 0.3)).toBe(true);
    expect(shares(branch, 0.9, 0.3)).toBe(true);
    expect(shares((r) => (x) => grad((y: Tensor) => loop(r)(y).sum())(x), 0.9, 0.3)).toBe(true);
    expect(shares((r) => (x) => grad((y: Tensor) => checkpoint(loop(r))(y).sum())(x), 0.9, 0.3)).toBe(true);
  });

  it('share none where bodies become equal', () => {
    const twice = (a: number, b: number) => trace((x) => loop(a)(x).add(loop(b)(x)));
    const [one, other] = pair(twice(0.1, 0.2), twice(0.3, 0.3));
    expect(isShared(one, other)).toBe(false);
    expect(isShared(...pair(twice(0.1, 0.2), twice(0.3, 0.4)))).toBe(true);
  });

  it('share none where branches are taken row by row, which computes with their numbers', () => {
    const rows = (r: number) => (x: Tensor) => vmap(branch(r))(stack([x, x.neg()])).sum(0);
    expect(shares(rows, 0.9, 0.3)).toBe(false);
    expect(shares(rows, 0.9, 0.9)).toBe(true);
  });
});

/** The program with numbers of a pool, after the same program with others: free ones, or also special ones. */
const holds = (program: Program, draws: readonly number[], options?: PlanOptions): void => {
  for (const pool of [rates, numbers]) {
    const draw = (offset: number) => (place: number) => pool[draws[(place % 11) + offset]! % pool.length]!;
    const { a, b } = planned(renumbered(program, draw(0)), renumbered(program, draw(11)), options);
    if (isShared(a, b)) numShared++;
  }
};

const draws = fc.array(fc.nat(), { minLength: 22, maxLength: 22 });
let numShared = 0;

describe('random programs with random numbers', () => {
  it('have the plans of planning each alone', () => {
    fc.assert(
      fc.property(steps, draws, (list: readonly Step[], drawn) => {
        const f = (x: Tensor): Tensor[] =>
          allOf(list, { shards: true })(x.mul(0.3), x.add(0.1).tanh()).slice(-3);
        holds(
          traceProgram((x) => f(x!), [aval]),
          drawn,
        );
        holds(
          traceProgram((x) => [allReduceSum(x!), ...f(x!)], [aval]),
          drawn,
          { outputs: 'given' },
        );
      }),
      { numRuns, seed: 31 },
    );
  });

  it('have them also within loops, branches and derivatives', () => {
    fc.assert(
      fc.property(recipes, draws, (recipe: Recipe, drawn) => {
        const f = functionOf(recipe, 'constructs');
        holds(traceOf((x) => f(x.mul(0.3), x.add(0.7))) ?? trace((x) => x), drawn);
      }),
      { numRuns, seed: 37 },
    );
  });

  it('often share them', () => {
    expect(numShared).toBeGreaterThan(numRuns);
  });
});

/** Undefined for a recipe that a program cannot hold, such as the reverse mode of a while loop. */
function traceOf(f: (x: Tensor) => Tensor): Program | undefined {
  try {
    return traceProgram((x) => [f(x!)], [{ dtype: 'float32', shape: [2] }]);
  } catch (error) {
    if ((error as { code?: string }).code === 'trace') return undefined;
    throw error;
  }
}
