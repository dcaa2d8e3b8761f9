/** The configuration that `lockstep train` would give the run of a trial. */
import { basename, extname } from 'node:path';
import { placed, type RunConfig } from '@lockstep/run';
import type { Assignment } from '@lockstep/search';
import { type Experiment, type RunOverrides, resolveConfig, resolveExperiment } from '@lockstep/training';
import type { SweepExperiment } from './sweep-file.ts';

export interface ResolvedTrial {
  readonly name: string;
  readonly experiment: Experiment;
  readonly config: RunConfig;
}

/** Throws what the experiment throws, with the place in its file, and `config` for parameters and lengths that do not fit. */
export function resolveTrial(
  { bundle, hash, project, exported, path }: SweepExperiment,
  params: Assignment,
  overrides: RunOverrides,
): ResolvedTrial {
  const resolved = placed(
    { bundle, hash, root: project.root },
    () => undefined,
    () => resolveExperiment(exported, params),
  );
  const { experiment } = resolved;
  return {
    name: experiment.name ?? basename(path, extname(path)),
    experiment,
    config: resolveConfig(experiment, { ...overrides, params: resolved.params }),
  };
}
