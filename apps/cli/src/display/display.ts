/** Shows a run in one of three ways: a line that moves, a line now and then, or JSON. */
import type { Update } from '@lockstep/coordinator';
import type { WireError } from '@lockstep/errors';
import type { Change, Compared, Parting } from '@lockstep/replay';
import type { RunConfig } from '@lockstep/run';
import type { TypeProblem } from '../type-check.ts';

export interface RunInfo {
  readonly name: string;
  /** The folder of the run. */
  readonly run: string;
  /** The address at which the coordinator listens. */
  readonly endpoint: string;
  /** The address for workers of other machines, which is never "all interfaces". */
  readonly join: string;
  readonly config: RunConfig;
  readonly localWorkers: number;
  /** Compute threads of each local worker. */
  readonly threads: number;
  /** Workers to wait for before the first step. */
  readonly minWorkers: number;
}

export type Ending =
  | {
      readonly type: 'done';
      readonly steps: number;
      readonly profile: string;
      readonly fingerprint: string;
      /** Absent in the events of release 0.1.0. */
      readonly chain?: string;
      readonly metrics: Readonly<Record<string, number>>;
      readonly samplesPerSecond: number;
      /** Steps that were not finite, in a run that goes on after them; absent if there were none. */
      readonly nonFiniteSteps?: number;
      readonly run: string;
    }
  | { readonly type: 'interrupted'; readonly step: number; readonly run: string }
  | {
      readonly type: 'stoppedNonFinite';
      readonly step: number;
      readonly cause: 'step' | 'update' | 'state';
      readonly what: readonly string[];
      /** The place in the experiment where the first value that is not finite was computed. */
      readonly message: string;
      readonly run: string;
    }
  /** Without `run`, no step was done, and the folder is removed. */
  | { readonly type: 'failed'; readonly error: WireError; readonly step: number; readonly run?: string };

/** What a replay has found. */
export interface Replayed {
  readonly type: 'replayed';
  /** The folder of the run that was computed again. */
  readonly run: string;
  /** Steps after `from` up to `to` were computed, fewer where they part. */
  readonly from: number;
  readonly to: number;
  readonly compared: Compared;
  /** Steps that are not compared because the logs lack them. */
  readonly unrecorded: number;
  /** Where both the run and its replay stopped, because the step was not finite. */
  readonly stop?: { readonly step: number; readonly what: readonly string[] };
  /** The first difference; undefined if there is none. */
  readonly parting: Parting | undefined;
  /** Somebody stopped the replay before its end. */
  readonly isInterrupted: boolean;
  /** What has changed since the run was computed. */
  readonly changes: readonly Change[];
  readonly workers: number;
  readonly seconds: number;
  /** The folder of the replay, if it is kept. */
  readonly kept?: string;
}

export interface Display {
  started(info: RunInfo): void;
  update(update: Update): void;
  /** Where a browser finds the page of the run. */
  page(address: string): void;
  /** Shows a line that stays. */
  note(text: string): void;
  /** Shows problems that the type checker found in the experiment. */
  typeErrors(problems: readonly TypeProblem[]): void;
  ended(ending: Ending | Replayed): void;
}
