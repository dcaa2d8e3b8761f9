import { describe, expect, it } from 'vitest';
import { createProgressTracker, metricsOf, type ProgressView, renderProgress } from './progress.ts';

const view: ProgressView = {
  step: 412,
  totalSteps: 645,
  loss: 0.0712,
  losses: [2, 1, 0.5, 0.25, 0.2, 0.1, 0.1, 0.07],
  metrics: [['accuracy', 0.981]],
  samplesPerSecond: 1840,
  secondsLeft: 31.5,
};

describe('renderProgress', () => {
  it('shows everything where there is room', () => {
    expect(renderProgress(view, 120)).toBe(
      '  step 412/645 ▕████████████▊       ▏ 63%  loss 0.07120 █▄▃▂▁▁▁▁  accuracy 98.1%  1,840 samples/s  0:32 left',
    );
  });

  it.each([
    [90, '  step 412/645 ▕███████    ▏ 63%  loss 0.07120  accuracy 98.1%  1,840 samples/s  0:32 left'],
    [70, '  step 412/645 ▕█████▏  ▏ 63%  loss 0.07120  accuracy 98.1%  0:32 left'],
    [55, '  step 412/645 ▕█████▊   ▏ 63%  loss 0.07120  0:32 left'],
    [39, '  step 412/645 ▕███████████▌      ▏ 63%'],
    [20, '  step 412/645'],
    [8, '  step 4'],
  ])('fits into %d characters', (width, line) => {
    const rendered = renderProgress(view, width);
    expect(rendered.length).toBeLessThanOrEqual(width);
    expect(rendered).toBe(line);
  });

  it('leaves out what is not known', () => {
    const unknown = { totalSteps: undefined, samplesPerSecond: undefined, secondsLeft: undefined };
    expect(renderProgress({ ...view, ...unknown }, 120)).toBe(
      '  step 412  loss 0.07120 █▄▃▂▁▁▁▁  accuracy 98.1%',
    );
    expect(renderProgress({ ...view, ...unknown, loss: undefined, metrics: [] }, 120)).toBe('  step 412');
  });

  it('leaves out the remaining time at the end', () => {
    expect(renderProgress({ ...view, step: 645, secondsLeft: 0 }, 120)).toMatch(/100%.*samples\/s$/);
  });
});

describe('a progress tracker', () => {
  it('measures speed and remaining time', () => {
    const tracker = createProgressTracker(100, 20);
    for (let step = 1; step <= 10; step++) tracker.add(step, { metrics: { loss: 1 / step } }, 500 * step);
    expect(tracker.view()).toMatchObject({
      step: 10,
      totalSteps: 20,
      loss: 0.1,
      samplesPerSecond: 200,
      secondsLeft: 5,
    });
  });

  it('shows the number of steps that workers report, and leaves out metrics that are not the experiment’s', () => {
    const tracker = createProgressTracker(100, null);
    tracker.add(1, { totalSteps: 645, metrics: { loss: 1, gradientNorm: 2, accuracy: 0.5 } }, 0);
    expect(tracker.view()).toMatchObject({ totalSteps: 645, metrics: [['accuracy', 0.5]] });
    expect(tracker.view().samplesPerSecond).toBeUndefined();
  });

  it('keeps the course of the loss in bounded memory', () => {
    const tracker = createProgressTracker(1, null);
    for (let step = 0; step < 10_000; step++) tracker.add(step, { metrics: { loss: 10_000 - step } }, step);
    const { losses } = tracker.view();
    expect(losses.length).toBeGreaterThanOrEqual(64);
    expect(losses.length).toBeLessThan(128);
    expect(losses[0]).toBe(10_000);
    expect([...losses].sort((a, b) => b - a)).toEqual(losses);
    expect(losses.at(-1)).toBeLessThan(300);
  });
});

it('takes the numbers among the metrics of a report', () => {
  expect(metricsOf({ metrics: { loss: 1, note: 'text' }, step: 3 })).toEqual({ loss: 1 });
  expect(metricsOf({})).toEqual({});
  expect(metricsOf({ metrics: null })).toEqual({});
});
