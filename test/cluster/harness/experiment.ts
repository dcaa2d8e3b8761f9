/** Experiments of these tests: the bundle that workers get, and the training in one process that they must reproduce. */
import { fileURLToPath } from 'node:url';
import { offeredProfiles, type Profile } from '@lockstep/kernels';
import type { RunConfig } from '@lockstep/run';
import {
  type Experiment,
  type LocalOptions,
  type LocalResult,
  type RunOverrides,
  resolveConfig,
  trainLocally,
} from '@lockstep/training';
import { build } from 'esbuild';

export interface LoadedExperiment {
  readonly name: string;
  readonly file: string;
  readonly experiment: Experiment;
  /** One ES module, without the packages that it imports. */
  readonly bundle: Uint8Array;
  readonly config: RunConfig;
}

const folder = new URL('../experiments/', import.meta.url);

/** `file`: a name in the folder `experiments/` beside this one, or the URL of any file. */
export async function loadExperiment(
  file: string | URL,
  overrides: RunOverrides = {},
): Promise<LoadedExperiment> {
  const path = fileURLToPath(typeof file === 'string' ? new URL(`${file}.ts`, folder) : file);
  const options = { bundle: true, packages: 'external', format: 'esm', platform: 'node' } as const;
  const { outputFiles } = await build({ ...options, entryPoints: [path], write: false });
  const { default: experiment } = (await import(path)) as { readonly default: Experiment };
  const config = resolveConfig(experiment, overrides);
  const name = path.replace(/^.*\/(.*)\.ts$/, '$1');
  return { name, file: path, experiment, bundle: outputFiles[0]!.contents, config };
}

/** The profile that a cluster chooses when all its workers are on this machine. */
export const bestProfile: Profile = offeredProfiles()[0]!;

/** Computes the result that a cluster must reproduce to the byte. */
export async function trainInOneProcess(
  { experiment, config }: LoadedExperiment,
  options: Pick<LocalOptions, 'profile' | 'createKernels'> = {},
): Promise<LocalResult> {
  const { limitSamples } = config;
  const dataset = await experiment.data.load(limitSamples === null ? {} : { limitSamples });
  return trainLocally({ profile: bestProfile, ...options, experiment, dataset, config });
}
