/** Helpers of the tests of families of layers. */
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import type { LocalResult } from '@lockstep/training';
import { expect } from 'vitest';
import { every } from '../experiments/transformer.ts';
import { type Cluster, type ClusterEnd, fingerprintOf, startCluster } from './cluster.ts';
import type { LoadedExperiment } from './experiment.ts';

/** Experiments with each family of layers and with a custom loss. */
export const families = ['transformer', 'recurrent', 'autoencoder', 'tiles', 'structured'];

/** The number of threads alternates between one and two. */
export const oneOrTwo = (worker: number): number => 1 + (worker % 2);

/** Expects the parameters and the optimizer state of one process at the end of a run. */
export async function expectSame(cluster: Cluster, expected: LocalResult): Promise<ClusterEnd> {
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected.fingerprint);
  const { tensors } = (await loadCheckpoint(checkpointFolder(cluster.folder)))!;
  const optState = Object.entries(tensors).flatMap(([path, { data }]) =>
    path.startsWith('optimizer/') ? [[path.slice('optimizer/'.length), data] as const] : [],
  );
  expect(new Map(optState)).toEqual(new Map(Object.entries(expected.optState)));
  return end;
}

/** Stops a run between two updates, resumes it with other workers, and expects the result of one process. */
export async function expectSameResumed(experiment: LoadedExperiment, expected: LocalResult): Promise<void> {
  const first = await startCluster({
    experiment,
    workers: 2,
    threads: oneOrTwo,
    faults: (worker) => (worker === 1 ? { holdAtFrame: 8 } : undefined),
  });
  await first.workers[1]!.held();
  first.interrupt();
  const { outcome } = await first.end();
  expect(outcome).toMatchObject({ reason: 'interrupted' });
  // The transformer's optimizer has accumulated part of the gradients of its next update.
  expect(experiment.name === 'transformer' ? outcome.step % every : outcome.step).toBeGreaterThan(0);
  await expectSame(await startCluster({ experiment, workers: 3, resume: first.folder }), expected);
}
