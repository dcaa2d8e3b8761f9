/** What a page knows of runs. */
import type { Curve } from './curve.ts';
import type { HistogramStep } from './histograms.ts';
import type { ProgramPart } from './program.ts';
import type { RunStatus } from './status.ts';
import type { SweepDelta, SweepView } from './sweep/model.ts';
import type { Timeline } from './timeline.ts';
import type { Value } from './values.ts';
import type { Work } from './work.ts';

/** `derived` curves are computed from times of workers. */
export type CurveKind = 'step' | 'evaluation' | 'derived';

export interface NamedCurve {
  readonly kind: CurveKind;
  readonly curve: Curve;
}

export interface Summary {
  readonly last: number;
  readonly lastStep: number;
  readonly best?: number;
  readonly bestStep?: number;
}

/** What does not change while a run goes on, nearly. */
export interface RunFacts {
  /** The name of its folder. */
  readonly id: string;
  readonly name: string;
  /** The same for runs that differ in their seed alone. */
  readonly group: string;
  readonly created?: string;
  readonly seed?: number;
  readonly profile?: string;
  readonly params: Readonly<Record<string, Value>>;
  readonly config: Readonly<Record<string, Value>>;
  /** The command line that began the run, as one types it. */
  readonly command?: string;
  readonly identity?: string;
  readonly data?: string;
  readonly programs: Readonly<Record<string, string>>;
  readonly builds: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly platform?: string;
  readonly machine?: string;
  readonly parent?: { readonly run: string; readonly step: number };
}

/** What changes with every step. */
export interface RunProgress {
  readonly status: RunStatus;
  readonly steps: number;
  readonly totalSteps?: number;
  readonly metrics: Readonly<Record<string, Summary>>;
  readonly fingerprint?: string;
  readonly fingerprintStep?: number;
  readonly chain?: string;
  readonly durationMs?: number;
  readonly checkpoints: readonly number[];
  readonly warnings: readonly string[];
}

export interface WorkerView {
  readonly worker: string;
  /** In the last generation in which it computed. */
  readonly rank: number;
  readonly work: Work;
}

export interface RunView {
  readonly facts: RunFacts;
  readonly progress: RunProgress;
  readonly curves: Readonly<Record<string, NamedCurve>>;
  readonly timeline: Timeline;
  readonly workers: readonly WorkerView[];
  /** Parts of a step, from a trace; empty without one. */
  readonly program: readonly ProgramPart[];
  /** Of some steps, ascending; empty in a run that was not asked for them. */
  readonly histograms: readonly HistogramStep[];
}

export interface PageData {
  /** When it was read, in milliseconds since 1970. */
  readonly time: number;
  readonly runs: readonly RunView[];
  /** Their runs are among `runs`. */
  readonly sweeps: readonly SweepView[];
  /** Folders that are no runs, a sentence each. */
  readonly warnings: readonly string[];
  /** Where changes after this data begin; absent in a file, which does not change. */
  readonly cursor?: string;
}

/** The curves of a window, more finely than `PageData` has them. */
export interface WindowData {
  readonly from: number;
  readonly to: number;
  /** By run, in the order of `PageData`; runs that were not asked for are null. */
  readonly runs: readonly (Readonly<Record<string, Curve>> | null)[];
}

/** Changes since a cursor. */
export interface Delta {
  readonly time: number;
  readonly runs: readonly RunDelta[];
  /** Runs after those that were there, in order. */
  readonly added: readonly RunView[];
  readonly sweeps: readonly SweepDelta[];
}

export interface RunDelta {
  /** The index in `PageData`. */
  readonly run: number;
  readonly facts?: RunFacts;
  readonly progress?: RunProgress;
  readonly timeline?: Timeline;
  /** Later points by name of the curve. */
  readonly curves?: Readonly<
    Record<
      string,
      { readonly kind: CurveKind; readonly steps: readonly number[]; readonly values: readonly number[] }
    >
  >;
  readonly workers?: readonly WorkerView[];
  readonly program?: readonly ProgramPart[];
  /** Of later steps. */
  readonly histograms?: readonly HistogramStep[];
}
