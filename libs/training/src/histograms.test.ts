import { fromArrays } from '@lockstep/data';
import { batchNorm, dense, l2, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import { adam, chain, clipByGlobalNorm } from '@lockstep/optim';
import { fingerprint } from '@lockstep/run';
import { type Histogram, histogram } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import { gatherHistograms, type UpdateHistograms } from './histograms.ts';
import { createLocalWorker, type LocalWorkerOptions } from './local-worker.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

const rows = 22;
const experiment = defineExperiment({
  name: 'counted',
  data: fromArrays(
    {
      x: Array.from({ length: rows }, (_, i) => Array.from({ length: 5 }, (_, c) => ((7 * i + c) % 11) / 7)),
      y: Array.from({ length: rows }, (_, i) => i % 3),
    },
    { name: 'rows', dtypes: { y: 'int32' } },
  ),
  model: sequential(dense(4), batchNorm(), relu, dense(3)),
  loss: softmaxCrossEntropy(),
  penalty: l2(0.01),
  optimizer: chain(clipByGlobalNorm(0.01), adam(0.01)),
  batch: { size: 12, shards: 8 },
  epochs: 2,
});
const config = resolveConfig(experiment);
const dataset = await experiment.data.load();
const programs = compilePrograms(experiment, dataset, config, 4);
const names = programs.params.map(({ name }) => name);

/** The worker after some steps, with the histograms of the last one. */
function train(options: Partial<LocalWorkerOptions> = {}, isCounted = true, numSteps = 4) {
  const worker = createLocalWorker({ dataset, config, ...options }, programs);
  worker.initialize();
  let [histograms, before]: [UpdateHistograms | undefined, Float32Array[]] = [undefined, []];
  for (let step = 1; step <= numSteps; step++) {
    worker.runSegments(step);
    before = worker.replica.slice(0, names.length).map((array) => Float32Array.from(array));
    ({ histograms } = worker.update(step, { histograms: isCounted }));
  }
  return { worker, histograms, before };
}

const named = (of: (i: number) => Histogram): Record<string, Histogram> =>
  Object.fromEntries(names.map((name, i) => [name, of(i)]));

describe('the histograms of an update', () => {
  it('are those of parameters before it, mean gradients, and differences of parameters', () => {
    const { worker, histograms, before } = train();
    const { gradientSums, sums } = worker.reduced();
    // The last sum is the number of samples.
    const samples = sums.at(-1)!;
    expect(samples).toBe(10);
    const after = worker.replica.slice(0, names.length) as Float32Array[];
    const mapped = (i: number, of: (place: number) => number): Float32Array =>
      Float32Array.from({ length: before[i]!.length }, (_, place) => Math.fround(of(place)));
    expect(histograms).toEqual({
      params: named((i) => histogram(before[i]!)),
      gradients: named((i) => histogram(mapped(i, (place) => gradientSums[i]![place]! / samples))),
      updates: named((i) => histogram(mapped(i, (place) => after[i]![place]! - before[i]![place]!))),
    });
    const { sumOfSquares } = histograms!.gradients['3/kernel']!;
    // Those of the optimizer's input would be clipped.
    expect(Math.sqrt(sumOfSquares)).toBeGreaterThan(0.01);
  });

  it('are the same for every division of the shards', () => {
    const { histograms } = train();
    const divisions = [
      [0, 4, 8],
      [0, 3, 8],
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    ];
    for (const cuts of divisions) {
      const ranges = cuts.slice(1).map((end, i) => ({ start: cuts[i]!, count: end - cuts[i]! }));
      expect(train({ ranges }).histograms).toEqual(histograms);
    }
  });

  it('change nothing in the run, and are absent where they are not asked for', () => {
    const [counted, other] = [train(), train({}, false)];
    expect(other.histograms).toBeUndefined();
    const hashes = [counted, other].map(({ worker }) =>
      fingerprint([...programs.params, ...programs.state], worker.replica),
    );
    expect(hashes[0]).toBe(hashes[1]);
  });
});

describe('more histograms than a report has room for', () => {
  const one = histogram(new Float32Array([1]));
  const of = { params: one, gradients: one, updates: one };

  it('are those of the first parameters; the others are named', () => {
    const gathered = gatherHistograms(['a', 'b', 'c'], () => of, { params: 9, counts: 7 });
    const named = { a: one, b: one };
    expect(gathered).toEqual({ params: named, gradients: named, updates: named, omitted: ['c'] });
  });

  it('go on behind a parameter that has none', () => {
    const gathered = gatherHistograms(['a', 'b', 'c'], (i) => (i === 1 ? undefined : of));
    expect(gathered).toMatchObject({ params: { a: one, c: one }, omitted: ['b'] });
  });
});
