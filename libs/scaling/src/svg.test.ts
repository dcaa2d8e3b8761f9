/** Plots as SVG. */
import { expect, it } from 'vitest';
import type { BatchRow } from './batch-axis.ts';
import { scaleSvg } from './svg.ts';

const row = (batchSize: number, steps: number): BatchRow => ({
  ...{
    batchSize,
    numSeeds: 1,
    final: { mean: 1, spread: null },
    numReached: 1,
    region: 'perfect',
    efficiency: 1,
  },
  ...{ stepsToTarget: steps, samplesToTarget: steps * batchSize },
});

it('places points on logarithmic axes, and names what it shows', () => {
  const workers = [
    { batchSize: 64, workers: 1, samplesPerSecond: 100, predicted: 110 },
    { batchSize: 64, workers: 4, samplesPerSecond: 320, predicted: 350 },
  ];
  const svg = scaleSvg('a <b> & "c"', 'loss 0.1', [row(64, 400), row(256, 100), row(1024, 25)], workers);
  expect(svg).toContain('aria-label="a &lt;b&gt; &amp; &quot;c&quot;: what batch size and workers bring"');
  expect(svg).not.toMatch(/<b>|NaN|Infinity|undefined/);
  const circles = [...svg.matchAll(/<circle class="(\w+)" cx="([\d.]+)" cy="([\d.]+)"/g)].map(
    ([, kind, x, y]) => [kind, Number(x), Number(y)] as const,
  );
  // A power law is a straight line: 256 is in the middle of 64 and 1024.
  expect(circles.slice(0, 3)).toEqual([
    ['mark', 64, 40],
    ['mark', 214, 156],
    ['mark', 364, 272],
  ]);
  expect(circles.map(([kind]) => kind)).toEqual([
    'mark',
    'mark',
    'mark',
    'predicted',
    'predicted',
    'mark',
    'mark',
  ]);
});

it('leaves out what was not measured', () => {
  const { stepsToTarget: _s, samplesToTarget: _n, efficiency: _e, region: _r, ...failed } = row(64, 1);
  const workers = [{ batchSize: 64, workers: 1, samplesPerSecond: 100, predicted: 100 }];
  expect(scaleSvg('a', 'loss 0.1', [failed], workers).match(/<g>/g)).toHaveLength(1);
});
