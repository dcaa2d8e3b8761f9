import { tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { monitorLearningRate } from './learning-rate-monitor.ts';
import { sgd } from './optimizers.ts';
import { linearWarmup, type Schedule } from './schedule.ts';
import { stepMetricsOf } from './step-metrics.ts';
import { chain, type GradientTransformation } from './transformation.ts';

const params = { w: tensor([1, 2], { dtype: 'float32' }) };
const grads = { w: tensor([4, 8], { dtype: 'float32' }) };

/** Metrics and updates of a step of number `step`. */
function stepOf<S>(optimizer: GradientTransformation<S>, step: number) {
  const progress = { step: tensor(step, { dtype: 'float32' }), totalSteps: 10 };
  const [updates, state] = optimizer.update(grads, optimizer.init(params), params, progress);
  const metrics = Object.entries(stepMetricsOf(state)).map(([name, value]) => [name, value.item()]);
  return { metrics: Object.fromEntries(metrics), updates: Array.from((updates as typeof grads).w.data) };
}

describe('monitorLearningRate', () => {
  it('reports the rate of the step, and changes no update', () => {
    const rate: Schedule = linearWarmup({ peak: 1, warmupSteps: 4 });
    const monitored = chain(sgd(rate), monitorLearningRate(rate));
    expect(stepOf(monitored, 0)).toEqual({ metrics: { learningRate: 0.25 }, updates: [-1, -2] });
    expect(stepOf(monitored, 2)).toEqual({ metrics: { learningRate: 0.75 }, updates: [-3, -6] });
    expect(stepOf(sgd(rate), 2)).toEqual({ metrics: {}, updates: [-3, -6] });
  });

  it('reports a rate that is always the same, under other names too', () => {
    const two = chain(monitorLearningRate(0.5), monitorLearningRate(0.25, { name: 'rateOfHead' }), sgd(0.5));
    expect(stepOf(two, 3).metrics).toEqual({ learningRate: 0.5, rateOfHead: 0.25 });
    expect(() => monitorLearningRate(Number.NaN)).toThrow(/monitorLearningRate: .*NaN/);
  });
});
