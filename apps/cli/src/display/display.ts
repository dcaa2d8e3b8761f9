/** What a command shows of a run, in one of three ways: a line that moves, lines now and then, or JSON. */
import type { Update } from '@lockstep/coordinator';
import type { WireError } from '@lockstep/errors';
import type { RunConfig } from '@lockstep/run';
import type { TypeProblem } from '../type-check.ts';

export interface RunInfo {
  readonly name: string;
  /** Its folder. */
  readonly run: string;
  /** Where it listens. */
  readonly endpoint: string;
  /** The same for workers of other machines: never "all interfaces". */
  readonly join: string;
  readonly config: RunConfig;
  readonly localWorkers: number;
  /** Of each local worker. */
  readonly threads: number;
  /** Workers waited for before the first step. */
  readonly minWorkers: number;
}

export type Ending =
  | {
      readonly type: 'done';
      readonly steps: number;
      readonly profile: string;
      readonly fingerprint: string;
      readonly metrics: Readonly<Record<string, number>>;
      readonly samplesPerSecond: number;
      /** Steps that were not finite, of a run that was to go on all the same; absent where there were none. */
      readonly nonFiniteSteps?: number;
      readonly run: string;
    }
  | { readonly type: 'interrupted'; readonly step: number; readonly run: string }
  | {
      readonly type: 'stoppedNonFinite';
      readonly step: number;
      readonly cause: 'step' | 'update' | 'state';
      readonly what: readonly string[];
      /** Where in the experiment. */
      readonly message: string;
      readonly run: string;
    }
  /** Without `run` nothing has happened, and the folder is removed. */
  | { readonly type: 'failed'; readonly error: WireError; readonly step: number; readonly run?: string };

export interface Display {
  started(info: RunInfo): void;
  update(update: Update): void;
  /** A line for people that stays. */
  note(text: string): void;
  /** What the type checker says of the experiment. */
  typeErrors(problems: readonly TypeProblem[]): void;
  ended(ending: Ending): void;
}
