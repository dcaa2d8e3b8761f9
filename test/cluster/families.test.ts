/** Experiments with each family of layers and with a custom loss have their stored fingerprints. */
import { offeredProfiles } from '@lockstep/kernels';
import type { LocalResult } from '@lockstep/training';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bestProfile,
  type LoadedExperiment,
  loadExperiment,
  trainInOneProcess,
} from './harness/experiment.ts';
import { families } from './harness/families.ts';
import { goldenFingerprint } from './harness/golden.ts';

describe.each(families)('%s', (name) => {
  let experiment: LoadedExperiment;
  let expected: LocalResult;
  beforeAll(async () => {
    experiment = await loadExperiment(name);
    expected = await trainInOneProcess(experiment);
  });

  it.each(offeredProfiles())('gives the result that was stored in profile %s', async (profile) => {
    const { fingerprint } =
      profile === bestProfile ? expected : await trainInOneProcess(experiment, { profile });
    expect(fingerprint).toBe(goldenFingerprint(name, profile, fingerprint));
  });
});
