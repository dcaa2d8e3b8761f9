/** Computes a recorded run again on real workers, and compares every step with the record as it goes. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Update } from '@lockstep/coordinator';
import { LockstepError } from '@lockstep/errors';
import {
  type Comparison,
  compareWith,
  damagedRecord,
  openRecordedRun,
  type Parting,
  readRunLogs,
  recordedDigests,
  reportedDigests,
} from '@lockstep/replay';
import { readStepRecord } from '@lockstep/tracking';
import { buildHash } from '@lockstep/worker';
import type { Context } from './commands/command.ts';
import { chooseDisplay } from './display/choose.ts';
import type { Display, Ending, Replayed } from './display/display.ts';
import { plural } from './display/format.ts';
import { exitCodes } from './errors.ts';
import { threadsFor } from './local-workers.ts';
import type { DisplayArgs } from './options.ts';
import {
  type AskedSteps,
  beginningOfReplay,
  planReplay,
  type ReplayPlan,
  type ReplayStage,
} from './replay-plan.ts';
import {
  createRunFolder,
  type OpenedRun,
  openRunFolder,
  type RunFacts,
  requireRunFolder,
  saveBeginning,
} from './run-folder.ts';
import { changeLength } from './run-length.ts';
import { isLocked, whileLocked } from './run-lock.ts';
import { exitCodeOfEnding, runSession } from './session.ts';
import { requireWritableFolder } from './writable.ts';

interface ReplayArgs extends AskedSteps, DisplayArgs {
  readonly run: string;
  readonly workers: number;
  readonly threads: number | undefined;
  readonly keepIn: string | undefined;
}

/** Resolves with the exit code, which says whether the run is the same. */
export async function replayRun(
  args: ReplayArgs,
  { terminal, argv }: Pick<Context, 'terminal' | 'argv'>,
): Promise<number> {
  const folder = await requireRunFolder(args.run);
  if (args.keepIn !== undefined) await requireWritableFolder('keep-in', args.keepIn);
  const display = chooseDisplay(terminal, args);
  const plan = await open(folder, args);
  for (const damage of damagedRecord({ record: await readStepRecord(folder) }))
    display.note(`${damage}; digests in it are not compared`);
  if (isLocked(folder) === true) {
    display.note(`the run is being trained: this compares its ${plural(plan.logs.lastStep, 'step')} so far`);
  }
  const startedAt = performance.now();
  const replay = new Replay(plan, args, display);
  const { ending, kept } = await withRoot(args.keepIn, async (root) => {
    // Nobody goes on with a replay that is removed, so its newest checkpoint is enough.
    const keep = args.keepIn === undefined ? 1 : undefined;
    const opened = await createReplayFolder(root, plan, { command: argv, keep });
    return { ending: await replay.compute(opened), kept: opened.run.folder };
  });
  const isKept = args.keepIn !== undefined;
  if (ending.type === 'failed') {
    const { run: _removed, ...unkept } = ending;
    display.ended(isKept ? ending : unkept);
    return exitCodeOfEnding(ending);
  }
  const found = replay.found(ending);
  const seconds = (performance.now() - startedAt) / 1_000;
  display.ended({ ...found, workers: args.workers, seconds, ...(isKept && { kept }) });
  if (found.isInterrupted) return exitCodes.interrupted;
  return found.parting === undefined ? exitCodes.done : exitCodes.different;
}

/** The data that this loads are not in memory any more while workers compute. */
async function open(folder: string, asked: AskedSteps): Promise<ReplayPlan> {
  const run = await openRecordedRun(folder, { build: buildHash() });
  const logs = await readRunLogs(folder, run.manifest);
  return planReplay(run, { logs, digestsOf: await recordedDigests(folder) }, asked);
}

/** A folder for the folder of the replay. One of its own is removed afterwards, also when the command is stopped at once. */
async function withRoot<T>(kept: string | undefined, action: (root: string) => Promise<T>): Promise<T> {
  if (kept !== undefined) return action(kept);
  const root = await mkdtemp(join(tmpdir(), 'lockstep-replay-'));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    return await action(root);
  } finally {
    process.off('exit', remove);
    await rm(root, { recursive: true, force: true });
  }
}

async function createReplayFolder(root: string, plan: ReplayPlan, facts: RunFacts): Promise<OpenedRun> {
  const { code, profile, stages, record } = plan;
  const { config } = stages[0]!;
  const beginning = await beginningOfReplay(plan);
  const parent = beginning?.parent;
  const opened = await createRunFolder(root, code, config, profile, { ...facts, record, parent });
  if (beginning !== undefined) await saveBeginning(opened, beginning);
  return opened;
}

class Replay {
  readonly #comparison: Comparison;
  readonly #plan: ReplayPlan;
  readonly #workers: Pick<ReplayArgs, 'workers' | 'threads'>;
  readonly #display: Display;
  readonly #aborting = new AbortController();
  #parting: Parting | undefined;

  constructor(plan: ReplayPlan, workers: Pick<ReplayArgs, 'workers' | 'threads'>, display: Display) {
    this.#plan = plan;
    this.#workers = workers;
    this.#comparison = compareWith(plan.logs, { until: plan.to, digestsOf: plan.digestsOf });
    // What follows the first difference is not shown, and how a session ends is not how the replay does.
    this.#display = {
      ...display,
      update: (update) => {
        if (this.#parting === undefined) display.update(update);
      },
      ended: () => undefined,
    };
  }

  /** What was found by the time at which the last session has ended. */
  found(ending: Ending): Omit<Replayed, 'workers' | 'seconds'> {
    const { folder: run, from, to, logs, changes } = this.#plan;
    const { compared } = this.#comparison;
    const parting = this.#parting;
    const isInterrupted = ending.type === 'interrupted' && parting === undefined;
    const isWhole = parting === undefined && !isInterrupted;
    return {
      ...{ type: 'replayed', run, from, to, compared, parting, isInterrupted, changes },
      unrecorded: isWhole ? Math.min(to, logs.lastStep) - from - compared.steps : 0,
      ...(ending.type === 'stoppedNonFinite' &&
        isWhole && { stop: { step: ending.step, what: ending.what } }),
    };
  }

  /** Computes one stage after the other, up to the first difference. Closes the folder. Resolves with how the last session ended. */
  async compute(opened: OpenedRun): Promise<Ending> {
    const { stages } = this.#plan;
    const { folder } = opened.run;
    return whileLocked(folder, async () => {
      let current = opened;
      for (const [i, stage] of stages.entries()) {
        const ending = await this.#session(current);
        this.#compareEnd(ending, stage);
        const next = stages[i + 1];
        if (next?.change === undefined || ending.type !== 'done' || this.#parting !== undefined)
          return ending;
        current = await changeLength(await openRunFolder(folder), {
          ...{ config: next.config, change: next.change },
        });
      }
      throw new LockstepError('internal', 'a replay has a stage');
    });
  }

  #session(opened: OpenedRun): Promise<Ending> {
    const { workers, threads } = this.#workers;
    return runSession({
      opened,
      localWorkers: workers,
      threads: threadsFor(threads, workers, opened.config.numShards),
      minWorkers: workers,
      bind: 'tcp://127.0.0.1:0',
      keysFolder: undefined,
      display: this.#display,
      abandon: () => opened.run.close(),
      onUpdate: (update) => this.#compare(update),
      signal: this.#aborting.signal,
    });
  }

  #compare(update: Update): void {
    if (update.type === 'progress') {
      const { type: _, step, report, shared, ...hashes } = update;
      const digests = shared && reportedDigests(shared.form, shared.replicated);
      this.#part(this.#comparison.step(step, { ...report, ...hashes }, digests));
    }
    if (update.type === 'evaluation') {
      this.#part(this.#comparison.evaluation(update.step, update.final, update.report));
    }
  }

  #compareEnd(ending: Ending, { until }: ReplayStage): void {
    if (ending.type === 'stoppedNonFinite') this.#part(this.#comparison.stopped(ending));
    if (ending.type !== 'done') return;
    const { steps: step, fingerprint } = ending;
    if (until === this.#plan.to) this.#part(this.#comparison.finished(step, fingerprint));
    else if (step !== until)
      this.#part({ step, what: 'end', recorded: `step ${until}`, computed: `step ${step}` });
  }

  #part(parting: Parting | undefined): void {
    if (parting === undefined || this.#parting !== undefined) return;
    this.#parting = parting;
    this.#aborting.abort();
  }
}
