/** The first difference between a run and its own computation, or between two runs, with its cause. */
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import type { ShardRange } from '@lockstep/collectives';
import { type RecordedMember, readLog } from '@lockstep/tracking';
import {
  Check,
  type CheckOptions,
  type ElementDifference,
  type Evidence,
  type Finding,
  firstDifferent,
  readEvidence,
} from './check.ts';
import type { Computation } from './computation.ts';
import { isOfModel, type Part } from './difference.ts';
import { ofHistogram } from './histograms.ts';
import type { Change, RecordedRun } from './recorded-run.ts';

/**
 * Why two computations of a step part. `batch`: they read other samples, or other bytes of them. `program`: the experiment computes
 * other operations. `profile`: contractions are rounded otherwise. `build`: the packages are of another build. `setting`: the runs
 * have other settings. `log`: the digests of the step are those that are computed, and its line in the log is not. `worker`: none of
 * these, so that a worker computed something else than its program.
 */
export type Cause = 'batch' | 'program' | 'profile' | 'build' | 'setting' | 'worker' | 'log';

export interface RunDifference {
  readonly step: number;
  /** Where in the step; `value` for a value of the logs, where no digests say more. */
  readonly part: Part | 'value';
  readonly exchange?: number;
  readonly variable: string;
  /** The smallest recorded node of the tree of shards that differs; null for what is not of a block. */
  readonly shards: ShardRange | null;
  /** The worker at fault; null if all members agree, or where none is known. */
  readonly worker: string | null;
  /** Of that worker. */
  readonly rank?: number;
  readonly host?: string;
  /** The run that parts from its own computation; absent where both runs are as their programs compute them. */
  readonly run?: string;
  readonly cause: Cause;
  /** The first element that differs; null where one side's elements are not known. */
  readonly element: ElementDifference | null;
  /** Set where the sum over the shards rounds the difference of a partial away. */
  readonly isRoundedAway?: boolean;
  /** A sentence: why there is no element, or what else is known. */
  readonly note: string;
}

export interface DiffOptions extends CheckOptions {
  readonly from?: number;
  /** Default: the last recorded step. */
  readonly until?: number;
  /** Of the run. Default: it is read. */
  readonly evidence?: Evidence;
  /** Computes the steps. Default: a new one. */
  readonly check?: Check;
}

/**
 * Compares a run with its own computation on this thread, from `from` on. Returns undefined if every recorded step is the same.
 *
 * @param from a step with a saved state. Default: the first one.
 */
export async function diffWithComputation(
  run: RecordedRun,
  options: DiffOptions = {},
): Promise<RunDifference | undefined> {
  const { evidence = await readEvidence(run), check = new Check(run, evidence, options) } = options;
  const { from = run.firstStep, until = evidence.logs.lastStep } = options;
  const finding = await check.interval({ from, to: until });
  return finding && located(run, evidence, check.computation, finding);
}

async function located(
  run: RecordedRun,
  evidence: Evidence,
  computation: Computation,
  finding: Finding,
): Promise<RunDifference> {
  const { step } = finding;
  if (finding.kind === 'checkpoint') {
    const { variable = 'checkpoint', element = null, message } = finding.difference;
    return {
      ...{ step, part: 'replica', variable, shards: null, worker: null, run: run.folder },
      ...{ cause: causeOf(run.changes, 'replica'), element, note: message },
    };
  }
  if (finding.kind === 'value') {
    const { what, recorded, computed } = finding.parting;
    const isOfLog = isDigested(evidence, step, what);
    const why = isOfLog
      ? `the digests of the step are those that are computed here, so its line in ${what.startsWith(ofHistogram) ? 'histograms.jsonl' : 'metrics.jsonl'} was changed after it was written`
      : 'no digest of the step says where (train with --record full)';
    return {
      ...{ step, part: 'value', variable: what, shards: null, worker: null, run: run.folder },
      ...{ cause: isOfLog ? 'log' : causeOf(run.changes, 'value'), element: null },
      note: `recorded is ${recorded}, computed ${computed}; ${why}`,
    };
  }
  const { part, exchange, variable = part, shards, workers, isAlone, isRoundedAway } = finding.difference;
  const { members } = evidence.steps.get(step)!;
  const cause = isAlone && !ofBatch.includes(part) ? 'worker' : causeOf(run.changes, part);
  // What the members have in common is the fault of none of them: all have the data, the program or the build that differs.
  const isOwn = isAlone || (members.length === 1 && (cause === 'worker' || run.changes.length === 0));
  const worker = isOwn ? workers[0]! : null;
  const element = part === 'replica' ? await elementOf(computation, variable) : undefined;
  return {
    ...{ step, part, ...(exchange !== undefined && { exchange }), variable, shards },
    ...{ worker, ...(worker !== null && (await placeOf(run, worker, members))) },
    ...{ run: run.folder, cause },
    element: element ?? null,
    ...(isRoundedAway && { isRoundedAway }),
    note: isRoundedAway
      ? 'the sum over the shards rounds the difference away, so that it does not reach the result'
      : element === undefined
        ? 'the elements are not known: what the worker computed is not kept, and its program computes other bytes'
        : 'the elements are those of the checkpoint of this step',
  };
}

/** Whether a value of a step follows from what its members have digests of. Those of evaluations do not. */
function isDigested({ steps, logs }: Evidence, step: number, what: string): boolean {
  const recorded = steps.get(step);
  if (recorded === undefined || isOfModel(recorded.form)) return false;
  return what.startsWith(ofHistogram) || what in (logs.steps.get(step)?.metrics ?? {});
}

async function placeOf(
  { folder }: RecordedRun,
  worker: string,
  members: readonly RecordedMember[],
): Promise<Pick<RunDifference, 'rank' | 'host'>> {
  const { records } = await readLog(folder, 'events');
  const host = records.find((event) => event.type === 'joined' && event.worker === worker)?.host;
  const { rank } = members.find((member) => member.worker === worker)!;
  return { rank, ...(typeof host === 'string' && { host }) };
}

/** The first element of an array of the replica that differs from the checkpoint of the step, if there is one. */
async function elementOf({ run, step, variables, arrays }: Computation, name: string) {
  if (!run.checkpoints.includes(step)) return undefined;
  const checkpoint = await loadCheckpoint(checkpointFolder(run.folder), step);
  const saved = checkpoint?.tensors[name];
  const at = variables.findIndex((variable) => variable.name === name);
  return saved === undefined || at < 0 ? undefined : firstDifferent(saved.data, arrays[at]!);
}

const ofBatch: readonly (Part | 'value')[] = ['samples', 'columns'];

/** What has changed explains a difference; else the worker is at fault. */
function causeOf(changes: readonly Change[], part: Part | 'value'): Cause {
  if (ofBatch.includes(part)) return 'batch';
  const what = changes.map((change) => change.what);
  if (what.includes('data')) return 'batch';
  if (what.includes('program')) return 'program';
  return what.includes('build') ? 'build' : 'worker';
}
