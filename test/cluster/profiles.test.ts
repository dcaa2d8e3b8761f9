/** A profile has one result, whatever computes it: native code of any width, WebAssembly, the reference. */
import { offeredProfiles, referenceKernels } from '@lockstep/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf, startCluster } from './harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from './harness/experiment.ts';
import { goldenFingerprint } from './harness/golden.ts';

let experiment: LoadedExperiment;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', { limitSamples: 950 });
});

const profiles = offeredProfiles();
const environments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'the fastest kernels': {},
  // Where there are some: on other machines the test is one more of WebAssembly.
  'narrower native kernels': { LOCKSTEP_NATIVE: 'avx2' },
  'WebAssembly alone': { LOCKSTEP_BACKEND: 'wasm' },
};
const clusters = Object.entries(environments).flatMap(([what, env]) =>
  [1, 2].map((workers) => ({ what, env, workers })),
);

describe.each(profiles)('profile %s', (profile) => {
  let expected: string;
  beforeAll(async () => {
    expected = (await trainInOneProcess(experiment, { profile })).fingerprint;
  });

  it('gives the result that was stored', () => {
    expect(expected).toBe(goldenFingerprint('cnn', profile, expected));
  });

  it('gives the result that was stored on real digits', async () => {
    const digits = await loadExperiment('mnist', { limitSamples: 750 });
    const { fingerprint } = await trainInOneProcess(digits, { profile });
    expect(fingerprint).toBe(goldenFingerprint('mnist', profile, fingerprint));
  });

  it('is that of the reference', async () => {
    const createKernels = () => referenceKernels(profile);
    const { fingerprint } = await trainInOneProcess(experiment, { profile, createKernels });
    expect(fingerprint).toBe(expected);
  });

  it.each(clusters)('with $what, $workers workers', async ({ env, workers }) => {
    const cluster = await startCluster({ experiment, workers, env: () => env, profile });
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });
});

it.runIf(profiles.includes('fma'))('workers of different backends share a run', async () => {
  const { fingerprint } = await trainInOneProcess(experiment, { profile: 'fma' });
  const all = Object.values(environments);
  const env = (worker: number) => all[worker % all.length]!;
  const cluster = await startCluster({ experiment, workers: 3, env, profile: 'fma' });
  expect(fingerprintOf(await cluster.end())).toBe(fingerprint);
});
