/** The configuration of a run: what the experiment says and what the command line overrides. */
import { LockstepError } from '@lockstep/errors';
import type { ParamValues } from '@lockstep/params';
import type { RunConfig } from '@lockstep/run';
import type { Experiment } from './experiment.ts';

export const defaultShards = 8;

export function requireWhole(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new LockstepError('config', `${name} must be a whole number of at least 1, not ${value}`, {
      name,
      value,
    });
  }
}

export function requireShards(shards: number): void {
  requireWhole('batch.shards', shards);
  if (shards > 4096 || (shards & (shards - 1)) !== 0) {
    throw new LockstepError(
      'config',
      `batch.shards must be a power of two up to 4096, not ${shards}: results are combined along a binary tree; use ${nearestPower(shards)}`,
      { shards },
    );
  }
}

function nearestPower(value: number): number {
  let power = 1;
  while (power < value && power < 4096) power *= 2;
  return power;
}

/** The settings that the command line may override. */
export interface RunOverrides {
  readonly seed?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly shards?: number | undefined;
  readonly epochs?: number | undefined;
  readonly steps?: number | undefined;
  readonly limitSamples?: number | undefined;
  readonly fingerprintEvery?: number | undefined;
  readonly checkpointEvery?: number | undefined;
  /** The values of all declared parameters. */
  readonly params?: ParamValues | undefined;
}

/** The configuration of a run: values of the command line, else those of the experiment. */
export function resolveConfig(experiment: Experiment, overrides: RunOverrides = {}): RunConfig {
  const config = {
    seed: overrides.seed ?? experiment.seed ?? 1,
    numShards: overrides.shards ?? experiment.batch.shards ?? defaultShards,
    batchSize: overrides.batchSize ?? experiment.batch.size,
    epochs: overrides.epochs ?? (overrides.steps === undefined ? experiment.epochs : undefined) ?? null,
    steps: overrides.steps ?? (overrides.epochs === undefined ? experiment.steps : undefined) ?? null,
    limitSamples: overrides.limitSamples ?? null,
    fingerprintEvery: overrides.fingerprintEvery ?? 50,
    checkpointEvery: overrides.checkpointEvery ?? 200,
    onNonFinite: experiment.onNonFinite ?? ('stop' as const),
    ...(overrides.params && { params: overrides.params }),
  };
  requireShards(config.numShards);
  if (!Number.isSafeInteger(config.seed) || config.seed < 0) {
    throw new LockstepError('config', `the seed must be a whole number of at least 0, not ${config.seed}`, {
      seed: config.seed,
    });
  }
  for (const name of [
    'batchSize',
    'epochs',
    'steps',
    'limitSamples',
    'fingerprintEvery',
    'checkpointEvery',
  ] as const) {
    const value = config[name];
    if (value !== null) requireWhole(name, value);
  }
  return config;
}
