import { jit, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { accumulateGradients } from './accumulation.ts';
import { dataOf, float, gradsAt, params, progressAt } from './fixtures/runs.ts';
import { masked } from './masks.ts';
import { monitorNoiseScale, type NoiseScaleState } from './noise-scale.ts';
import { sgd } from './optimizers.ts';
import { skipNonFinite } from './skipping.ts';
import { stepMetricsOf } from './step-metrics.ts';
import { chain, type Progress, type TensorTree } from './transformation.ts';

const samplesAt = (step: number, samples: number): Progress => ({
  ...progressAt(step),
  samples: tensor(samples, { dtype: 'float32' }),
});

/** The scale after each gradient, for batches of the given sizes. */
function scalesOf(
  grads: readonly TensorTree[],
  samples: (step: number) => number,
  options: Parameters<typeof monitorNoiseScale>[0] = {},
): number[] {
  const link = monitorNoiseScale({ name: 'b', ...options });
  let state = link.init(grads[0]!);
  return grads.map((g, k) => {
    [, state] = link.update(g, state, g, samplesAt(k, samples(k)));
    return state.stepMetrics.b!.item();
  });
}

/** Uniform numbers in [0, 1), the same in every run. */
function uniforms(seed: number): () => number {
  let word = seed;
  return () => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return word / 2 ** 32;
  };
}

const dimensions = 40;
/**
 * Gradients of ½|x − a|² at x = center: each is the mean over a batch of vectors a of `dimensions` uniform
 * coordinates around 0.
 */
function noisyGradients(count: number, samples: (step: number) => number, center: number): TensorTree[] {
  const draw = uniforms(7);
  return Array.from({ length: count }, (_, k) => {
    const sums = new Float64Array(dimensions);
    for (let i = 0; i < samples(k); i++) for (let d = 0; d < dimensions; d++) sums[d]! += draw() - 0.5;
    return { x: float(Array.from(sums, (sum) => center - sum / samples(k))) };
  });
}
/** tr(Σ) is 1/12 per uniform coordinate, |G|² is center² per coordinate. */
const scaleAt = (center: number): number => 1 / 12 / center ** 2;

describe('monitorNoiseScale', () => {
  it('is within its standard error of tr(Σ)/|G|²', () => {
    const decay = 0.98;
    const numCounted = (1 + decay) / (1 - decay);
    for (const center of [0.5, 0.1, 0.06]) {
      const scale = scaleAt(center);
      const found = scalesOf(
        noisyGradients(300, () => 4, center),
        () => 4,
        { decay },
      ).at(-1)!;
      // The relative errors of tr(Σ) and |G|² from docs/optimizers.md, for Σ a multiple of the identity.
      const ofVariance = Math.sqrt(2 / (numCounted * dimensions));
      const inBatches = scale / 4 / numCounted;
      const ofSignal = Math.sqrt((4 * inBatches + 2 * inBatches ** 2) / dimensions);
      expect(Math.abs(found / scale - 1), `center ${center}`).toBeLessThan(3 * (ofVariance + ofSignal));
      expect(3 * (ofVariance + ofSignal)).toBeLessThan(0.35);
    }
  });

  it('takes batches of different sizes into account', () => {
    const samples = (step: number): number => (step % 3 === 2 ? 1 : 6);
    const found = scalesOf(noisyGradients(400, samples, 0.2), samples, { decay: 0.99 }).at(-1)!;
    expect(found / scaleAt(0.2)).toBeCloseTo(1, 1);
    // Treating the batches as equal would give another estimate.
    const misled = scalesOf(noisyGradients(400, samples, 0.2), () => 6, { decay: 0.99 }).at(-1)!;
    expect(misled / scaleAt(0.2)).toBeGreaterThan(1.5);
  });

  it('keeps the weighted moments of all gradients so far', () => {
    const decay = 0.75;
    const [values, sizes] = [
      [3, 1, 4, 1.5],
      [2, 4, 4, 1],
    ] as const;
    const found = scalesOf(
      values.map((value) => ({ w: float([value, 2]) })),
      (step) => sizes[step]!,
      { decay },
    );
    for (let t = 2; t <= values.length; t++) {
      const raw = values.slice(0, t).map((_, i) => decay ** (t - 1 - i));
      const total = raw.reduce((a, b) => a + b);
      const weights = raw.map((w) => w / total);
      const sum = (f: (i: number) => number): number => weights.reduce((all, w, i) => all + w * f(i), 0);
      const mean = sum((i) => values[i]!);
      const squares = sum((i) => weights[i]! / sizes[i]!);
      const variance = sum((i) => (values[i]! - mean) ** 2) / (sum((i) => 1 / sizes[i]!) - squares);
      const expected = variance / (mean ** 2 + 4 - variance * squares);
      expect(found[t - 1]! / expected).toBeCloseTo(1, 5);
    }
  });

  it('is NaN at first, 0 without noise, and infinite for a mean gradient of 0', () => {
    const same = [{ w: float([1, 2]) }, { w: float([1, 2]) }, { w: float([1, 2]) }];
    expect(scalesOf(same, () => 8)).toEqual([Number.NaN, 0, 0]);
    const opposite = [{ w: float([1, -2]) }, { w: float([-1, 2]) }];
    expect(scalesOf(opposite, () => 8)).toEqual([Number.NaN, Number.POSITIVE_INFINITY]);
  });

  it('passes gradients on, and ignores one that is not finite', () => {
    const link = monitorNoiseScale();
    let state = link.init(params);
    for (const k of [0, 1, 2]) {
      const [out, next] = link.update(gradsAt(k), state, params, samplesAt(k, 4));
      expect(out).toEqual(gradsAt(k));
      state = next;
    }
    const broken = { ...(gradsAt(3) as Record<string, TensorTree>), scale: float([Number.NaN]).reshape([]) };
    const [, after] = link.update(broken, state, params, samplesAt(3, 4));
    expect(dataOf(after)).toEqual(dataOf(state));
    expect(state.stepMetrics.noiseScale!.item()).toBeGreaterThan(0);
  });

  it('has the same bits compiled', () => {
    const link = monitorNoiseScale();
    const update = (grads: TensorTree, state: NoiseScaleState, step: Tensor): TensorTree =>
      link.update(grads, state, params, { step, totalSteps: 9, samples: step.add(3) })[1];
    const compiled = jit(update);
    let [eager, replayed] = [link.init(params), link.init(params)] as [TensorTree, TensorTree];
    for (let k = 0; k < 5; k++) {
      const { step } = progressAt(k);
      eager = update(gradsAt(k), eager as NoiseScaleState, step);
      replayed = compiled(gradsAt(k), replayed as NoiseScaleState, step);
      expect(dataOf(replayed)).toEqual(dataOf(eager));
    }
  });

  it('needs a number of samples', () => {
    const link = monitorNoiseScale();
    const { step, totalSteps } = progressAt(0);
    expect(() => link.update(params, link.init(params), params, { step, totalSteps })).toThrow(
      /monitorNoiseScale: the progress has no samples; give/,
    );
    expect(() => monitorNoiseScale({ decay: 1 })).toThrow(/decay is 1; it must be at least 0 and less/);
    expect(() => monitorNoiseScale({ decay: 0 })).toThrow(/decay is 0; it must be greater than 0/);
  });
});

describe('stepMetricsOf', () => {
  it('finds metrics of links at any depth, in alphabetical order', () => {
    const optimizer = chain(
      masked(monitorNoiseScale({ name: 'scaleOfKernels' }), (path) => path.endsWith('kernel')),
      skipNonFinite(accumulateGradients(2, chain(monitorNoiseScale({ name: 'afterwards' }), sgd(0.1)))),
    );
    const metrics = stepMetricsOf(optimizer.init(params));
    expect(Object.keys(metrics)).toEqual(['afterwards', 'scaleOfKernels']);
    expect(metrics.afterwards!.item()).toBeNaN();
    expect(stepMetricsOf(sgd(0.1, { momentum: 0.9 }).init(params))).toEqual({});
  });

  it('refuses equal names, and values that are not scalars', () => {
    const twice = chain(monitorNoiseScale(), monitorNoiseScale({ decay: 0.9 }));
    expect(() => stepMetricsOf(twice.init(params))).toThrow(/two links report 'noiseScale'; give one/);
    expect(() => stepMetricsOf({ stepMetrics: { rates: float([1, 2]) } })).toThrow(
      /'rates' is a tensor of shape \[2\]; a metric is/,
    );
    expect(() => stepMetricsOf([{ stepMetrics: { rate: 0.1 } }])).toThrow(/'rate' is a number; a metric is/);
  });
});
