/** A cache changes how long a compilation takes, and nothing else. */
import type { Plan, Tensor } from '@lockstep/autodiff';
import { type Dataset, fromArrays } from '@lockstep/data';
import { dense, dropout, l2, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import { adamw, chain, clipByGlobalNorm, warmupCosine } from '@lockstep/optim';
import type { Programs } from '@lockstep/run';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { Experiment, ModelExperiment } from './experiment.ts';
import { trainLocally } from './local.ts';
import { createPlanCache, type PlanCache } from './plan-cache.ts';
import { hashesOf } from './program-hashes.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

const pointsWith = (labels: (i: number) => number) =>
  fromArrays(
    {
      x: Array.from({ length: 24 }, (_, i) => [i / 24, (i % 5) / 4]),
      y: Array.from({ length: 24 }, (_, i) => labels(i)),
    },
    { name: 'remainders', dtypes: { y: 'int32' }, split: { validation: 0.25 } },
  );
const points = pointsWith((i) => i % 3);
const dataset = await points.load();

interface Numbers {
  readonly rate?: number;
  readonly decay?: number;
  readonly probability?: number;
  readonly penalty?: number;
}

/** No number equals another one, such as 0.1, which is 1 − β₁ of Adam. */
function trial({ rate = 0.01, decay = 0.05, probability = 0.3, penalty = 3e-3 }: Numbers = {}): Experiment {
  return defineExperiment({
    data: points,
    model: sequential(dense(4), relu, dropout(probability), dense(3)),
    loss: softmaxCrossEntropy(),
    penalty: l2(penalty),
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw(warmupCosine({ peak: rate, warmupSteps: 2 }), { weightDecay: decay }),
    ),
    batch: { size: 6, shards: 2 },
  });
}

function compile(
  experiment: Experiment,
  cache: PlanCache | undefined,
  { totalSteps = 10, data = dataset }: { totalSteps?: number; data?: Dataset } = {},
): Programs {
  return compilePrograms(experiment, data, resolveConfig(experiment), totalSteps, { cache });
}

const plansOf = (programs: Programs): Plan[] => [
  programs.init,
  programs.update,
  ...[1, 2].flatMap((size) => [programs.shard(size), programs.evaluation(size)]),
];

describe('createPlanCache', () => {
  it.each<[string, Numbers, number]>([
    ['the rate', { rate: 0.3 }, 10],
    ['the weight decay', { decay: 0.7 }, 10],
    ['the probability of dropout', { probability: 0.6 }, 10],
    ['the penalty', { penalty: 0.2 }, 10],
    ['the length of the schedule', {}, 17],
  ])('shares all plans of experiments that differ in %s', (_what, numbers, totalSteps) => {
    const cache = createPlanCache({ maxPlans: 8 });
    const first = plansOf(compile(trial(), cache));
    const shared = compile(trial(numbers), cache, { totalSteps });
    for (const [i, plan] of plansOf(shared).entries()) expect(plan.places).toBe(first[i]!.places);
    const alone = compile(trial(numbers), undefined, { totalSteps });
    expect(plansOf(shared)).toStrictEqual(plansOf(alone));
    expect(hashesOf(shared, undefined)).toEqual(hashesOf(alone, undefined));
  });

  it('trains to the same bits', async () => {
    const cache = createPlanCache({ maxPlans: 8 });
    for (const rate of [0.01, 0.2, 0.5]) {
      const experiment = trial({ rate });
      const options = { experiment, dataset, config: resolveConfig(experiment, { epochs: 3 }) };
      const [shared, alone] = [trainLocally({ ...options, cache }), trainLocally(options)];
      expect(shared).toEqual(alone);
    }
  });

  it('traces a program once that an earlier compilation has checked', () => {
    let count = 0;
    const counted = (): Experiment => {
      const { loss, ...rest } = trial() as ModelExperiment;
      return defineExperiment({
        ...rest,
        loss: (...parts) => {
          count++;
          return loss(...parts);
        },
      });
    };
    const countOf = (cache: PlanCache | undefined): number => {
      count = 0;
      plansOf(compile(counted(), cache));
      return count;
    };
    const cache = createPlanCache({ maxPlans: 8 });
    const [alone, first, second] = [countOf(undefined), countOf(cache), countOf(cache)];
    expect(first).toBe(alone);
    // The checks of labels and rows, and four programs of blocks.
    expect([alone, second]).toEqual([10, 6]);
  });
});

describe('checks', () => {
  it('read the labels of other data', async () => {
    const cache = createPlanCache({ maxPlans: 8 });
    compile(trial(), cache);
    const wrong = await pointsWith((i) => (i === 5 ? 3 : i % 3)).load();
    const again = (): Programs => compile(trial({ rate: 0.2 }), cache, { data: wrong });
    expect(again).toThrow(/label 3 in row \d+ of the/);
    expect(again).toThrow(/label 3 in row/);
  });

  it('find labels that another number moves out of range', () => {
    const cache = createPlanCache({ maxPlans: 8 });
    const shifted = (by: number): Experiment => {
      const { loss, ...rest } = trial() as ModelExperiment;
      const moved = (y: Tensor): Tensor => y.cast('float32').add(by).floor().cast('int32');
      return defineExperiment({ ...rest, loss: (out, y, batch) => loss(out, moved(y), batch) });
    };
    compile(shifted(0.25), cache);
    expect(() => compile(shifted(1.25), cache)).toThrow(/label 3 in row \d+ of the/);
  });

  it('find rows that depend on each other only with another number', () => {
    const cache = createPlanCache({ maxPlans: 8 });
    const coupled = (by: number): Experiment => {
      const { loss, ...rest } = trial() as ModelExperiment;
      return defineExperiment({
        ...rest,
        loss: (out, y, batch) => loss(out, y, batch).add(batch.x.sum().mul(by)),
      });
    };
    compile(coupled(1e-30), cache);
    expect(() => compile(coupled(0.25), cache)).toThrow(/a sample's value changes with the other samples/);
  });

  it('find an impure function after a pure one of the same structure', () => {
    const cache = createPlanCache({ maxPlans: 8 });
    const noisy = (by: number): Experiment => {
      const { loss, ...rest } = trial() as ModelExperiment;
      return defineExperiment({
        ...rest,
        loss: (out, y, batch) => loss(out, y, batch).mul(0.3 + by * Math.random()),
      });
    };
    compile(noisy(0), cache).shard(1);
    expect(() => compile(noisy(0.1), cache).shard(1)).toThrow(/not a pure function.*Math\.random/);
  });
});
