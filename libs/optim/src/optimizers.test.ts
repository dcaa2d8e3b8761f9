/** Properties of every optimizer and link; test/golden compares their numbers with PyTorch. */
import { ConcreteTensor } from '@lockstep/autodiff';
import { flatten, leafPaths, unflatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { accumulateGradients } from './accumulation.ts';
import { emaParams, lookahead, swaParams } from './averaging.ts';
import { byNoiseScale } from './batch-growth.ts';
import {
  centralizeGradients,
  clipAdaptively,
  clipByGlobalNorm,
  clipByNorm,
  clipByValue,
} from './clipping.ts';
import { oneCycle } from './cycles.ts';
import {
  compiledStepOf,
  dataOf,
  finalOf,
  gradsAt,
  params,
  progressAt,
  run,
  stepOf,
} from './fixtures/runs.ts';
import { monitorLearningRate } from './learning-rate-monitor.ts';
import { freeze, masked, multiTransform } from './masks.ts';
import { addGradientNoise } from './noise.ts';
import { monitorNoiseScale } from './noise-scale.ts';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  amsgrad,
  lamb,
  lars,
  lion,
  nadam,
  radam,
  rmsprop,
  sgd,
} from './optimizers.ts';
import { reduceOnPlateau } from './plateau.ts';
import { scaleBy, scaleByTrustRatio } from './scaling.ts';
import { constant } from './schedule.ts';
import { skipNonFinite } from './skipping.ts';
import { chain, type GradientTransformation, identity, type TensorTree } from './transformation.ts';

const optimizers: Readonly<Record<string, GradientTransformation<unknown>>> = {
  sgd: sgd(0.1, { momentum: 0.9, dampening: 0.1, weightDecay: 0.01 }),
  'sgd with schedules': sgd(oneCycle({ peak: 0.1 }), { momentum: constant(0.9), nesterov: true }),
  adam: adam(0.01, { weightDecay: 0.1 }),
  adamw: adamw(0.01),
  amsgrad: amsgrad(0.01),
  nadam: nadam(0.01),
  radam: radam(0.01),
  adamax: adamax(0.01),
  rmsprop: rmsprop(0.01, { centered: true, momentum: 0.5 }),
  adagrad: adagrad(0.01, { rateDecay: 0.1 }),
  adadelta: adadelta(1),
  lion: lion(0.01),
  lars: lars(0.1, { weightDecay: 0.1 }),
  lamb: lamb(0.01),
  clipByValue: clipByValue(0.5),
  clipByNorm: clipByNorm(0.5),
  clipByGlobalNorm: clipByGlobalNorm(0.5),
  clipAdaptively: clipAdaptively(),
  centralizeGradients: centralizeGradients(),
  addGradientNoise: addGradientNoise(),
  reduceOnPlateau: reduceOnPlateau({ patience: 1, every: 2 }),
  emaParams: emaParams({ decay: 0.9, debias: true }),
  swaParams: swaParams({ start: 2, every: 3 }),
  lookahead: lookahead(adam(0.01), { every: 3 }),
  accumulateGradients: accumulateGradients(3, adam(0.01)),
  'accumulateGradients by stages': accumulateGradients(
    [
      { from: 0, every: 2 },
      { from: 1, every: 3 },
    ],
    adam(0.01),
    { rule: 'sqrt' },
  ),
  byNoiseScale: accumulateGradients(byNoiseScale({ most: 3, decay: 0.8 }), adam(0.01)),
  monitorLearningRate: chain(sgd(0.1), monitorLearningRate(0.1)),
  monitorNoiseScale: chain(monitorNoiseScale(), sgd(0.1)),
  masked: masked(adam(0.01), (path) => path.endsWith('kernel'), { rest: 'zero' }),
  multiTransform: multiTransform({ matrix: lamb(0.01), other: sgd(0.1) }, (_path, { length }) =>
    length > 1 ? 'matrix' : 'other',
  ),
  skipNonFinite: skipNonFinite(adam(0.01)),
  freeze: freeze(),
};

/** Requires that `actual` and `expected` have the same bits and the same form. */
function expectSame(actual: TensorTree, expected: TensorTree): void {
  expect(dataOf(actual)).toEqual(dataOf(expected));
  expect(leafPaths(actual)).toEqual(leafPaths(expected));
}

describe.each(Object.entries(optimizers))('%s', (name, optimizer) => {
  const eager = run(optimizer);

  it('moves the parameters to finite values', () => {
    const after = eager.at(-1)![1];
    if (name !== 'freeze') expect(dataOf(after)).not.toEqual(dataOf(params));
    for (const leaf of flatten(after).leaves) expect(Array.from(leaf.data).every(Number.isFinite)).toBe(true);
  });

  it('has a state of tensors only, whose form does not change', () => {
    const start = optimizer.init(params) as TensorTree;
    const leaves: readonly unknown[] = flatten(start).leaves;
    expect(leaves.every((leaf) => leaf instanceof ConcreteTensor)).toBe(true);
    const form = (tree: TensorTree) => flatten(tree).leaves.map(({ dtype, shape }) => ({ dtype, shape }));
    for (const [state] of eager) {
      expect(leafPaths(state)).toEqual(leafPaths(start));
      expect(form(state)).toEqual(form(start));
    }
  });

  it('has the same bits compiled, one program for all steps', () => {
    const compiled = run(optimizer, eager.length, compiledStepOf(optimizer));
    for (const [k, pair] of compiled.entries()) expectSame(pair, eager[k]!);
  });

  it('continues from a state that was flattened and rebuilt', () => {
    const step = stepOf(optimizer);
    const reread = (tree: TensorTree): TensorTree => {
      const { leaves, structure } = flatten(tree);
      const copies = leaves.map(
        ({ dtype, shape, data }) => new ConcreteTensor({ dtype, shape, data: data.slice() }),
      );
      return unflatten(JSON.parse(JSON.stringify(structure)), copies);
    };
    const [state, current] = eager[4]!;
    expectSame(step(reread(state), reread(current), gradsAt(5), progressAt(5)), eager[5]!);
  });

  it('does not change under a mask of everything, or chained with identity', () => {
    const expected = dataOf(eager.at(-1)![1]);
    expect(finalOf(masked(optimizer, () => true))).toEqual(expected);
    expect(finalOf(chain(identity, optimizer))).toEqual(expected);
    expect(finalOf(chain(optimizer, identity))).toEqual(expected);
  });
});

describe('chain', () => {
  it('is associative', () => {
    const [a, b, c] = [clipByGlobalNorm(1), scaleByTrustRatio(), rmsprop(0.1, { momentum: 0.9 })];
    const flat = finalOf(chain(a, b, c));
    expect(finalOf(chain(chain(a, b), c))).toEqual(flat);
    expect(finalOf(chain(a, chain(b, c)))).toEqual(flat);
    expect(finalOf(chain(b, a, c))).not.toEqual(flat);
  });
});

describe('an optimizer', () => {
  it('climbs after scaleBy(−1)', () => {
    const [down] = sgd(0.1).update(gradsAt(1), sgd(0.1).init(params), params, progressAt(1));
    const up = chain(scaleBy(-1), sgd(0.1));
    const [climbing] = up.update(gradsAt(1), up.init(params), params, progressAt(1));
    const negated = flatten(climbing).leaves.map((leaf) => leaf.neg());
    expect(dataOf(negated)).toEqual(dataOf(flatten(down).leaves));
  });

  it('lets a mask select which parameters decay', () => {
    const options = { weightDecay: 0.5, mask: (path: string) => path.endsWith('kernel') };
    const [, decayed] = run(adamw(0.01, options), 1)[0]!;
    const [, all] = run(adamw(0.01, { weightDecay: 0.5 }), 1)[0]!;
    const [, none] = run(adamw(0.01, { weightDecay: 0 }), 1)[0]!;
    const paths = leafPaths(params);
    for (const [i, path] of paths.entries()) {
      const like = path.endsWith('kernel') ? all : none;
      expect(dataOf(decayed)[i], path).toEqual(dataOf(like)[i]);
    }
  });

  it('rectifies once the average is long enough, from the sixth update on', () => {
    // For a constant gradient, m̂ is that gradient and m̂/√v̂ its sign; r is small at first.
    const optimizer = radam(1);
    let state = optimizer.init(params);
    const one = flatten(params).structure;
    const steady = unflatten(
      one,
      flatten(params).leaves.map((leaf) => leaf.mul(0).add(8)),
    ) as TensorTree;
    const moves = Array.from({ length: 8 }, (_, k) => {
      const [updates, next] = optimizer.update(steady, state, params, progressAt(k));
      state = next;
      return flatten(updates).leaves.at(-1)!.item();
    });
    for (const move of moves.slice(0, 5)) expect(move).toBeCloseTo(-8, 5);
    for (const move of moves.slice(5)) expect(Math.abs(move)).toBeLessThan(0.1);
  });
});
