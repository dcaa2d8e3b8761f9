/** A profile has the same result on every backend. */
import { offeredProfiles } from '@lockstep/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { environments } from '../cluster/harness/backends.ts';
import { fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { goldenFingerprint } from '../cluster/harness/golden.ts';

let experiment: LoadedExperiment;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950 });
});

const profiles = offeredProfiles();

describe.each(profiles)('profile %s', (profile) => {
  it('gives the result that was stored', async () => {
    const { fingerprint } = await trainInOneProcess(experiment, { profile });
    expect(fingerprint).toBe(goldenFingerprint('cnn', profile, fingerprint));
  });

  it('gives the result that was stored on real digits', async () => {
    const digits = await loadExperiment('mnist', { limitSamples: 750 });
    const { fingerprint } = await trainInOneProcess(digits, { profile });
    expect(fingerprint).toBe(goldenFingerprint('mnist', profile, fingerprint));
  });
});

it('workers of different backends share a run', async () => {
  const { fingerprint } = await trainInOneProcess(experiment, { profile: 'portable' });
  const all = Object.values(environments);
  const env = (worker: number) => all[worker % all.length]!;
  const cluster = await startCluster({ experiment, workers: 3, env, profile: 'portable' });
  expect(fingerprintOf(await cluster.end())).toBe(fingerprint);
});
