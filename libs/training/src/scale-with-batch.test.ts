/** Experiments whose optimizer follows the batch size, against optimizers that are written out. */
import { fromArrays } from '@lockstep/data';
import { dense } from '@lockstep/nn';
import {
  adam,
  cosine,
  exponentialDecay,
  type GradientTransformation,
  lamb,
  linearWarmup,
  sgd,
  stepDecay,
} from '@lockstep/optim';
import { param } from '@lockstep/params';
import { describe, expect, it } from 'vitest';
import {
  type BatchScaleOptions,
  defineExperiment,
  type Experiment,
  resolveConfig,
  resolveExperiment,
  scaleWithBatch,
  trainLocally,
} from './index.ts';

const rows = Array.from({ length: 32 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const data = fromArrays({ x: rows, y: rows.map(([a, b]) => 2 * a! - b!) });
const dataset = await data.load();

const withOptimizer = (optimizer: GradientTransformation, size = 4, steps = 8): Experiment =>
  defineExperiment({
    data,
    model: dense(1),
    loss: (outputs, y) => outputs.reshape([-1]).sub(y).square(),
    optimizer: optimizer,
    batch: { size, shards: 2 },
    steps,
  });

const trained = (experiment: Experiment, steps?: number) =>
  trainLocally({ experiment, dataset, config: resolveConfig(experiment, { steps }) });
const fingerprintOf = (experiment: Experiment, steps?: number) => trained(experiment, steps).fingerprint;
const scaled = (
  optimizer: GradientTransformation,
  options: Partial<BatchScaleOptions>,
  given: Readonly<Record<string, unknown>> = {},
): Experiment =>
  resolveExperiment(scaleWithBatch(withOptimizer(optimizer), { baseBatchSize: 4, ...options }), given)
    .experiment;

describe('at the base batch size', () => {
  it.each(['none', 'linear', 'sqrt'] as const)('%s gives the bits of the experiment itself', (rule) => {
    const optimizer = adam(cosine({ peak: 0.1 }));
    const own = fingerprintOf(withOptimizer(optimizer));
    expect(fingerprintOf(scaled(optimizer, { rule }))).toBe(own);
    expect(fingerprintOf(scaled(optimizer, { rule, noiseSamples: 16 }))).toBe(own);
  });
});

describe('at another batch size', () => {
  it('multiplies the rate by the ratio or its root', () => {
    const at = { batchSize: 16 };
    const linear = scaled(sgd(0.0625), { rule: 'linear', warmup: 0 }, at);
    expect(fingerprintOf(linear)).toBe(fingerprintOf(withOptimizer(sgd(0.25), 16)));
    const sqrt = scaled(sgd(0.0625), { rule: 'sqrt', warmup: 0 }, at);
    expect(fingerprintOf(sqrt)).toBe(fingerprintOf(withOptimizer(sgd(0.125), 16)));
    const none = scaled(sgd(0.0625), { rule: 'none' }, at);
    expect(fingerprintOf(none)).toBe(fingerprintOf(withOptimizer(sgd(0.0625), 16)));
    const smaller = scaled(sgd(0.25), { rule: 'linear' }, { batchSize: 2 });
    expect(fingerprintOf(smaller)).toBe(fingerprintOf(withOptimizer(sgd(0.125), 2)));
  });

  it('keeps schedules at the samples for which they were written', () => {
    // Every 4 steps of the base batch are one step of this one.
    const stretched = scaled(
      sgd(stepDecay({ initial: 0.25, factor: 0.5, every: 8 })),
      { rule: 'none' },
      { batchSize: 16 },
    );
    const written = withOptimizer(sgd(stepDecay({ initial: 0.25, factor: 0.5, every: 2 })), 16);
    expect(fingerprintOf(stretched)).toBe(fingerprintOf(written));
    // The length of the run is stretched alike.
    const falling = scaled(sgd(cosine({ peak: 0.25 })), { rule: 'none' }, { batchSize: 16 });
    expect(fingerprintOf(falling)).toBe(fingerprintOf(withOptimizer(sgd(cosine({ peak: 0.25 })), 16)));
  });

  it('raises a factor above 1 within the first part of the run', () => {
    const warm = scaled(sgd(0.25), { rule: 'linear', warmup: 0.5 }, { batchSize: 8 });
    // Twice the rate after 4 of 8 steps: 1.25, 1.5, 1.75, 2 times.
    const rates = { from: 0.25, to: 0.5 };
    const written = withOptimizer(
      sgd((step) =>
        step
          .add(1)
          .div(4)
          .minimum(1)
          .mul(rates.to - rates.from)
          .add(rates.from),
      ),
      8,
    );
    const [a, b] = [trained(warm), trained(written)];
    expect(a.metrics).toEqual(b.metrics);
    expect(a.history.map(({ loss }) => loss)).toEqual(b.history.map(({ loss }) => loss));
  });

  it('stretches schedules from the step on that a branch begins with', () => {
    const schedule = stepDecay({ initial: 0.25, factor: 0.5, every: 8 });
    const given = { batchSize: 16, batchFrom: 6 };
    const stretched = scaled(sgd(schedule), { rule: 'none' }, given);
    // Steps 0 to 5 count one each; step 6 is at 6, and step 7 at 10.
    const written = withOptimizer(
      sgd((step, totalSteps) => schedule(step.add(step.equal(7).cast(step.dtype).mul(3)), totalSteps)),
      16,
    );
    expect(fingerprintOf(stretched)).toBe(fingerprintOf(written));
  });

  it('replaces the optimizer by lamb', () => {
    const experiment = scaled(sgd(1), { rule: 'lamb', rate: 0.03125, warmup: 0 }, { batchSize: 16 });
    const written = withOptimizer(lamb(cosine({ peak: 0.0625 })), 16);
    expect(fingerprintOf(experiment)).toBe(fingerprintOf(written));
  });
});

it('reports the noise scale and has no early stopping', () => {
  const experiment = scaled(sgd(exponentialDecay({ initial: 0.1, factor: 0.9, every: 4 })), {
    noiseSamples: 16,
  });
  const { history } = trained(experiment);
  expect(history[0]!.noiseScale).toBeNaN();
  expect(history.at(-1)!.noiseScale).toBeGreaterThan(0);
  expect(experiment.earlyStopping).toBeUndefined();
});

it('keeps the parameters of the experiment', () => {
  const template = defineExperiment(
    { params: { rate: param.number(0.5) } },
    ({ rate }) => withOptimizer(sgd(linearWarmup({ peak: rate, warmupSteps: 1 }))) as never,
  );
  const { params, experiment } = resolveExperiment(scaleWithBatch(template, { baseBatchSize: 4 }), {
    rate: 0.125,
  });
  expect(params).toEqual({ rate: 0.125, batchSize: 4, batchFrom: 0 });
  expect(fingerprintOf(experiment)).toBe(fingerprintOf(withOptimizer(sgd(0.125))));
});

it('refuses what it cannot follow', () => {
  const template = defineExperiment(
    { params: { batchSize: param.integer(4) } },
    () => withOptimizer(sgd(1)) as never,
  );
  expect(() => scaleWithBatch(template, { baseBatchSize: 4 })).toThrow(
    "declares a parameter 'batchSize' itself",
  );
  expect(() => scaled(sgd(1), { rule: 'lars' })).toThrow('give its peak rate');
  expect(() => scaled(sgd(1), { rule: 'cubic' as never })).toThrow(/rule/);
});
