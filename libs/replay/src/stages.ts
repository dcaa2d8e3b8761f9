/**
 * The stages of a run. A schedule of the learning rate depends on the run's length, so steps before and after a change of the length
 * have programs of their own.
 */
import type { RunConfig } from '@lockstep/run';
import { changesOf, type Manifest } from '@lockstep/tracking';

/** Steps of one length. */
export interface Stage {
  /** The last step of the stage; infinite for the last stage. */
  readonly until: number;
  readonly config: RunConfig;
}

/** The stages of a run, the oldest first. `config` is that of the last one. */
export function stagesOf(manifest: Manifest, config: RunConfig): readonly Stage[] {
  const ended = changesOf(manifest).map(
    ({ step, before }): Stage => ({
      until: step,
      config: { ...config, epochs: before.epochs, steps: before.steps },
    }),
  );
  return [...ended, { until: Number.POSITIVE_INFINITY, config }];
}

/** The stage in which `step` is computed. */
export const stageAt = (stages: readonly Stage[], step: number): Stage =>
  stages.find(({ until }) => step <= until)!;
