/** Frozen parameters never move, and do not influence how others move. */
import { tensor } from '@lockstep/autodiff';
import { flatten, frozenLeaves, leafPaths, map, markFrozen } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { accumulateGradients } from './accumulation.ts';
import { averagedParams, emaParams, lookahead, swaParams } from './averaging.ts';
import {
  centralizeGradients,
  clipAdaptively,
  clipByGlobalNorm,
  clipByNorm,
  clipByValue,
  globalNorm,
} from './clipping.ts';
import { compiledStepOf, dataOf, float, gradsAt, numSteps, progressAt, stepOf } from './fixtures/runs.ts';
import { monitorLearningRate } from './learning-rate-monitor.ts';
import { masked, multiTransform } from './masks.ts';
import { addGradientNoise } from './noise.ts';
import { monitorNoiseScale } from './noise-scale.ts';
import * as optimizers from './optimizers.ts';
import { reduceOnPlateau } from './plateau.ts';
import { skipNonFinite } from './skipping.ts';
import { chain, type GradientTransformation, type TensorTree } from './transformation.ts';

const { adagrad, adadelta, adam, adamax, adamw, lamb, lars, lion, nadam, radam, rmsprop, sgd } = optimizers;

const stem = { kernel: float([3, -1, 2]), bias: float([0.5]) };
const head = { kernel: float([1, 2]), bias: float([-0.25]) };
const both: TensorTree = { stem: markFrozen(stem), head };
const weightDecay = 0.1;

const cases: Record<string, GradientTransformation<unknown>> = {
  sgd: sgd(0.1, { momentum: 0.9, weightDecay }),
  adam: adam(0.1, { weightDecay }),
  adamw: adamw(0.1, { weightDecay }),
  nadam: nadam(0.1, { weightDecay }),
  radam: radam(0.1, { weightDecay }),
  adamax: adamax(0.1, { weightDecay }),
  rmsprop: rmsprop(0.1, { weightDecay, momentum: 0.5 }),
  adagrad: adagrad(0.1, { weightDecay }),
  adadelta: adadelta(1, { weightDecay }),
  lion: lion(0.1, { weightDecay }),
  lars: lars(0.1, { weightDecay }),
  lamb: lamb(0.1, { weightDecay }),
  noise: chain(addGradientNoise({ variance: 1 }), sgd(0.1)),
  'global norm': chain(clipByGlobalNorm(0.1), sgd(0.1)),
  'other limits': chain(centralizeGradients(), clipByValue(1), clipByNorm(0.5), clipAdaptively(), sgd(0.1)),
  lookahead: lookahead(adamw(0.1), { every: 2 }),
  accumulation: accumulateGradients(2, adamw(0.1)),
  plateau: chain(adamw(0.1), reduceOnPlateau({ patience: 0 })),
  'learning rate': chain(adamw(0.1), monitorLearningRate(0.1)),
  'noise scale': chain(monitorNoiseScale(), adamw(0.1)),
  skipping: skipNonFinite(adamw(0.1)),
  mask: masked(adamw(0.1), (path) => path.endsWith('kernel'), { rest: 'zero' }),
  groups: multiTransform({ stem: adamw(0.1), head: lamb(0.1) }, (path) =>
    path.startsWith('stem') ? 'stem' : 'head',
  ),
};

/**
 * Parameters after some steps. The gradients of frozen parameters may be 0, as for a frozen layer, or not, as in a
 * user's loop.
 */
function after(
  optimizer: GradientTransformation<unknown>,
  params: TensorTree,
  { ofFrozen = 0, compiled = false } = {},
): TensorTree {
  const step = compiled ? compiledStepOf(optimizer) : stepOf(optimizer);
  let [state, current] = [optimizer.init(params) as TensorTree, params];
  for (let k = 0; k < numSteps; k++) {
    const isFrozen = frozenLeaves(params).values();
    const ordered = gradsAt(k, { head });
    const own = flatten(ordered).leaves.values();
    const grads = map((w) => (isFrozen.next().value ? w.mul(ofFrozen) : own.next().value!), params);
    [state, current] = step(state, current, grads, progressAt(k));
  }
  return current;
}

const partOf = (tree: TensorTree, name: 'stem' | 'head'): unknown[] =>
  dataOf((tree as Record<string, TensorTree>)[name]!);

describe.each(Object.entries(cases))('%s', (_name, optimizer) => {
  it.each([0, 5])(
    'keeps every bit of frozen parameters, for gradients of %i times the parameter',
    (ofFrozen) => {
      for (const compiled of [false, true]) {
        const found = after(optimizer, both, { ofFrozen, compiled });
        expect(partOf(found, 'stem')).toEqual(dataOf(stem));
        expect(partOf(found, 'head')).not.toEqual(dataOf(head));
      }
    },
  );

  it('keeps no state for frozen parameters', () => {
    expect(leafPaths(optimizer.init(both)).filter((path) => /stem\/(kernel|bias)/.test(path))).toEqual([]);
  });
});

// Groups are selected by path, and the paths differ without the frozen parameters.
const alike = Object.entries(cases).filter(([name]) => name !== 'groups');

it.each(alike)('%s moves the others as if there were no frozen parameters', (_name, optimizer) => {
  const alone = after(optimizer, { head });
  expect(partOf(after(optimizer, both, { ofFrozen: 5 }), 'head')).toEqual(partOf(alone, 'head'));
});

it.each([
  ['emaParams', emaParams({ decay: 0.9 })],
  ['emaParams, debiased', emaParams({ decay: 0.9, debias: true })],
  ['swaParams', swaParams()],
])('%s: frozen parameters are their own average', (_name, average) => {
  const optimizer = chain(sgd(0.1), average);
  const state = optimizer.init(both);
  expect(partOf(averagedParams(state), 'stem')).toEqual(dataOf(stem));
  const grads = { stem, head };
  const [, next] = optimizer.update(grads, state, both, progressAt(0));
  expect(partOf(averagedParams(next), 'stem')).toEqual(dataOf(stem));
});

it('does nothing if all parameters are frozen', () => {
  const all = markFrozen({ w: tensor([1, 2]) });
  const optimizer = chain(clipByGlobalNorm(1), lamb(0.1));
  const [updates] = optimizer.update(all, optimizer.init(all), all, progressAt(0));
  expect(globalNorm(updates).item()).toBe(0);
});
