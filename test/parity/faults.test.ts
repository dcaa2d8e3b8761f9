/** A run that is stopped in mid-epoch and resumed by other workers has the result of one process. */
import { expect, it } from 'vitest';
import { committed, fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { readGenerations } from '../cluster/harness/run-log.ts';

it('the run is interrupted in mid-epoch and resumed by other workers', async () => {
  const experiment = await loadExperiment('cnn', { limitSamples: 950, fingerprintEvery: 1 });
  const expected = (await trainInOneProcess(experiment)).fingerprint;
  const first = await startCluster({ experiment, workers: 3 });
  await first.next(committed(13));
  first.interrupt();
  const { outcome } = await first.end();
  expect(outcome).toMatchObject({ reason: 'interrupted' });
  expect(outcome.step).toBeGreaterThanOrEqual(13);
  expect(outcome.step % 10).not.toBe(0);

  const second = await startCluster({ experiment, workers: 2, threads: 2, resume: first.folder });
  expect(fingerprintOf(await second.end())).toBe(expected);
  const generations = await readGenerations(first.folder);
  expect(generations.at(-1)).toMatchObject({ step: outcome.step, source: 'checkpoint' });
});
