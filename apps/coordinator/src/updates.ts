/** What a coordinator tells its listeners about a run. */
import type { OpaqueRecord, Outcome, RunEvent } from '@lockstep/protocol';
import type { StepHistograms } from '@lockstep/tracking';
import type { Notice } from './notices.ts';
import type { SharedDigests } from './step-log.ts';

export type Update =
  | { readonly type: 'event'; readonly event: RunEvent }
  /** Once a step, in order. `report` holds `metrics` by name, `chain` and `totalSteps`, which are the same on all members. */
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly fingerprint?: string;
      /** Of the whole state, at steps with a checkpoint. */
      readonly stateHash?: string;
      readonly report: OpaqueRecord;
      /** Absent if the run records nothing of its steps. */
      readonly shared?: SharedDigests;
      /** At fingerprint steps of a run that takes histograms. */
      readonly histograms?: StepHistograms;
    }
  /**
   * Once a step of a generation for each of its members, before or after the `progress` of the step. `work` has rank, shards, times in
   * milliseconds and bytes.
   */
  | {
      readonly type: 'work';
      readonly worker: string;
      readonly generation: number;
      readonly step: number;
      readonly work: OpaqueRecord;
    }
  | {
      readonly type: 'evaluation';
      readonly step: number;
      readonly final: boolean;
      readonly report: OpaqueRecord;
    }
  | { readonly type: 'checkpoint'; readonly step: number }
  /** Something went wrong, and the run goes on. */
  | { readonly type: 'notice'; readonly notice: Notice }
  /** A connection without the right keys, or whose bytes are not messages of this protocol. */
  | { readonly type: 'turnedAway'; readonly reason: string }
  | { readonly type: 'done'; readonly outcome: Outcome };
