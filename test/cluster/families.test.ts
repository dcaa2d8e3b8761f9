/** Each family of layers and a loss of one's own: one fingerprint and one state of the optimizer, whoever computes. */
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { createWasmKernels, offeredProfiles, type Profile, referenceKernels } from '@lockstep/kernels';
import type { LocalResult } from '@lockstep/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { every } from './experiments/transformer.ts';
import { type Cluster, fingerprintOf, startCluster } from './harness/cluster.ts';
import {
  bestProfile,
  type LoadedExperiment,
  loadExperiment,
  trainInOneProcess,
} from './harness/experiment.ts';
import { goldenFingerprint } from './harness/golden.ts';
import { readGenerations } from './harness/run-log.ts';

const oneOrTwo = (worker: number): number => 1 + (worker % 2);

describe.each(['transformer', 'recurrent', 'autoencoder', 'tiles', 'structured'])('%s', (name) => {
  let experiment: LoadedExperiment;
  let expected: LocalResult;
  beforeAll(async () => {
    experiment = await loadExperiment(name);
    expected = await trainInOneProcess(experiment);
  });

  /** The run ends with the parameters and the optimizer's state of one process. */
  async function expectSame(cluster: Cluster) {
    const end = await cluster.end();
    expect(fingerprintOf(end)).toBe(expected.fingerprint);
    const { tensors } = (await loadCheckpoint(checkpointFolder(cluster.folder)))!;
    const optState = Object.entries(tensors).flatMap(([path, { data }]) =>
      path.startsWith('optimizer/') ? [[path.slice('optimizer/'.length), data] as const] : [],
    );
    expect(new Map(optState)).toEqual(new Map(Object.entries(expected.optState)));
    return end;
  }

  it.each(offeredProfiles())('gives the result that was stored in profile %s', async (profile) => {
    const { fingerprint } =
      profile === bestProfile ? expected : await trainInOneProcess(experiment, { profile });
    expect(fingerprint).toBe(goldenFingerprint(name, profile, fingerprint));
    expect(await fingerprintsOfOthers(experiment, profile)).toEqual([fingerprint, fingerprint]);
  });

  it('is the same of one worker whose threads have unequal parts', async () => {
    await expectSame(await startCluster({ experiment, workers: 1, threads: 3 }));
  });

  it('is the same when one of three is killed in mid-step', async () => {
    const faults = (worker: number) => (worker === 1 ? { dieAtFrame: 15 } : undefined);
    const cluster = await startCluster({ experiment, workers: 3, threads: oneOrTwo, faults });
    const { exits } = await expectSame(cluster);
    expect(exits[1]).toEqual({ code: null, signal: 'SIGKILL' });
    const generations = await readGenerations(cluster.folder);
    expect(generations.map(({ members }) => members.length)).toEqual([3, 2]);
    expect(generations[1]!.step).toBeGreaterThan(0);
  });

  it('is the same when it is stopped between two updates and resumed by others', async () => {
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
    // The transformer's optimizer has gathered some of the gradients of its next update.
    expect(name === 'transformer' ? outcome.step % every : outcome.step).toBeGreaterThan(0);
    await expectSame(await startCluster({ experiment, workers: 3, resume: first.folder }));
  });
});

/** What the other backends of a profile give: the reference, and WebAssembly without native kernels. */
async function fingerprintsOfOthers(experiment: LoadedExperiment, profile: Profile) {
  const others = [() => referenceKernels(profile), createWasmKernels];
  const results = others.map((createKernels) => trainInOneProcess(experiment, { profile, createKernels }));
  return (await Promise.all(results)).map(({ fingerprint }) => fingerprint);
}
