/** A run as plain data, read from the files of its folder. */
import type { RunStatus, Value } from '@lockstep/view';

export { type RunStatus, statuses, type Value } from '@lockstep/view';

export type MetricKind = 'step' | 'evaluation';

/** A metric over the steps of a run. A value that is not finite is kept: a diverged loss is a result. */
export interface Curve {
  readonly kind: MetricKind;
  /** Ascending. */
  readonly steps: readonly number[];
  /** One for each step. */
  readonly values: readonly number[];
}

export interface FingerprintAt {
  readonly step: number;
  readonly fingerprint: string;
  /** SHA-256 over this fingerprint and all hashes before it, those of whole states included. */
  readonly chain?: string;
}

/** The machine on which a run was begun. */
export interface Machine {
  readonly host?: string;
  readonly cpu?: string;
  readonly cores?: number;
  readonly memoryBytes?: number;
}

/** A field is absent where no file says it: folders of older releases have no command line and no machine. */
export interface RunRecord {
  /** The path of the folder. */
  readonly folder: string;
  /** The name of the folder, which no other run of its parent folder has. */
  readonly id: string;
  /** The name of the experiment. */
  readonly name: string;
  readonly status: RunStatus;
  /** ISO 8601, UTC. */
  readonly created?: string;
  /** Updates that are done. */
  readonly steps: number;
  /** Updates that the run was to make. */
  readonly totalSteps?: number;
  readonly seed?: number;
  readonly profile?: string;
  /** Values of the parameters that the experiment declares. */
  readonly params: Readonly<Record<string, Value>>;
  /** The other settings of the run, such as `batchSize`; those that are not set are left out. */
  readonly config: Readonly<Record<string, Value>>;
  readonly curves: Readonly<Record<string, Curve>>;
  readonly fingerprints: readonly FingerprintAt[];
  readonly experiment?: { readonly file?: string; readonly hash?: string };
  /** Hashes of the programs that computed the last steps, by their purpose. */
  readonly programs: Readonly<Record<string, string>>;
  /** Hash of the training data. */
  readonly data?: string;
  /** Hashes of the builds that computed the run, oldest first. */
  readonly builds: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly platform?: string;
  readonly machine?: Machine;
  /** The command line that began the run. */
  readonly command?: readonly string[];
  /** The run from which this one branched, after which step, and its state and chain there. */
  readonly parent?: {
    readonly run: string;
    readonly step: number;
    readonly stateHash?: string;
    readonly chain?: string;
  };
  /** The sweep whose trial the run trains again, and the number of the trial. */
  readonly sweep?: { readonly folder: string; readonly trial: number };
  /** The time from the start of each session to its last event, summed. Absent while the run goes on. */
  readonly durationMs?: number;
  /** Steps of the checkpoints in the folder, ascending. */
  readonly checkpoints: readonly number[];
  /** What could not be read, a sentence each. */
  readonly warnings: readonly string[];
}

/** What the curves of a metric come to. */
export interface MetricSummary {
  readonly last: number;
  readonly lastStep: number;
  /** Absent where every value is NaN. */
  readonly best?: number;
  readonly bestStep?: number;
}

/** Of these metrics the greatest value is the best one, of all others the least. */
const rising = /(?:accuracy|precision|recall|f1|auc|r2)$/i;

export const isRising = (metric: string): boolean => rising.test(metric);

export function summarise(metric: string, { steps, values }: Curve): MetricSummary {
  const sign = isRising(metric) ? -1 : 1;
  let best = -1;
  for (const [i, value] of values.entries()) {
    if (!Number.isNaN(value) && (best === -1 || sign * value < sign * values[best]!)) best = i;
  }
  const last = { last: values.at(-1)!, lastStep: steps.at(-1)! };
  return best === -1 ? last : { ...last, best: values[best]!, bestStep: steps[best]! };
}

export const metricsOf = (run: RunRecord): Readonly<Record<string, MetricSummary>> =>
  Object.fromEntries(Object.entries(run.curves).map(([name, curve]) => [name, summarise(name, curve)]));

/** The curves of some metrics, or of all. */
export function curvesOf(run: RunRecord, names?: readonly string[]): Readonly<Record<string, Curve>> {
  if (names === undefined) return run.curves;
  return Object.fromEntries(
    names.flatMap((name) => {
      const curve = Object.hasOwn(run.curves, name) ? run.curves[name] : undefined;
      return curve === undefined ? [] : [[name, curve]];
    }),
  );
}

/** The chain at the newest fingerprint that is logged with one. */
export const chainOf = ({ fingerprints }: RunRecord): string | undefined =>
  fingerprints.findLast(({ chain }) => chain !== undefined)?.chain;
