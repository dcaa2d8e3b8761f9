/** Every backend of a profile gives the same result in one process, in a cluster, and for each family of layers. */
import { createWasmKernels, offeredProfiles, referenceKernels } from '@lockstep/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { environments } from '../cluster/harness/backends.ts';
import { fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { families } from '../cluster/harness/families.ts';

const clusters = Object.entries(environments).flatMap(([what, env]) =>
  [1, 2].map((workers) => ({ what, env, workers })),
);

describe.each(offeredProfiles())('profile %s', (profile) => {
  let experiment: LoadedExperiment;
  let expected: string;
  beforeAll(async () => {
    experiment = await loadExperiment('cnn', { limitSamples: 950 });
    expected = (await trainInOneProcess(experiment, { profile })).fingerprint;
  });

  it.each(clusters)('with $what, $workers workers', async ({ env, workers }) => {
    const cluster = await startCluster({ experiment, workers, env: () => env, profile });
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });

  it('with a backend for each worker', async () => {
    const all = Object.values(environments);
    const env = (worker: number) => all[worker % all.length]!;
    const cluster = await startCluster({ experiment, workers: 3, env, profile });
    expect(fingerprintOf(await cluster.end())).toBe(expected);
  });

  it.each(['cnn', ...families])('%s gives what the reference and WebAssembly give', async (name) => {
    const loaded = name === 'cnn' ? experiment : await loadExperiment(name);
    const backends = [undefined, () => referenceKernels(profile), createWasmKernels];
    const [own, ...others] = await Promise.all(
      backends.map((createKernels) =>
        trainInOneProcess(loaded, { profile, ...(createKernels !== undefined && { createKernels }) }),
      ),
    );
    expect(others.map(({ fingerprint }) => fingerprint)).toEqual([own!.fingerprint, own!.fingerprint]);
  });
});
