/**
 * A worker's stay in a run: from the welcome, whose experiment it loads, until the worker leaves the run or ends. What it has begun
 * may end later, but tells the machine nothing any more.
 */
import { runHash } from '@lockstep/collectives';
import { invariant } from '@lockstep/errors';
import type { Pause } from '@lockstep/protocol';
import type { RecordMode, RunConfig } from '@lockstep/run';
import { type Connect, type Generation, openGeneration } from '../generation/generation.ts';
import type { Welcome, WorkerProcess } from '../worker-process.ts';
import { openRun, type Run } from './run.ts';

export interface Stay {
  /** What the run uses of its process. */
  readonly host: WorkerProcess;
  /** The run; undefined until it is loaded. */
  readonly run: Run | undefined;
  readonly generation: Generation | undefined;
  /** The run, where the order of effects shows that it is loaded. */
  loaded(): Run;
  connect(effect: Connect): void;
  entered(): Generation;
  /** Resolves when the compiler is done with the experiment, whether it could be loaded or not. */
  readonly loading: Promise<void>;
  /** Ends the stay. Resolves when no job of it uses the compute threads any more. */
  close(): Promise<void>;
}

/** The part of the welcome's configuration that workers read. */
export interface StayConfig {
  readonly run: RunConfig;
  readonly trace?: boolean;
  readonly record?: RecordMode;
  readonly histograms?: boolean;
  readonly finalCheckpoint?: boolean;
  readonly pause?: Pause;
}

/** @param bundle the raw frame that came with the welcome */
export function beginStay(
  process: WorkerProcess,
  { run: name, incarnation, experiment, pooled }: Welcome,
  { run: config, trace = false, record = 'off', histograms = false, ...ending }: StayConfig,
  bundle: Uint8Array,
): Stay {
  let run: Run | undefined;
  let generation: Generation | undefined;
  let isOver = false;
  const host: WorkerProcess = {
    ...process,
    send: (message, frames) => process.send(pooled ? { ...message, run: name } : message, frames),
    raise(event) {
      if (!isOver) process.raise(event);
    },
    fail(error) {
      if (!isOver) process.fail(error);
    },
  };
  const load = async (): Promise<void> => {
    const { hash } = experiment;
    const { finalCheckpoint = true, pause } = ending;
    const opened = await openRun(
      { name, bundle, hash, config, record, histograms, finalCheckpoint, pause },
      host,
    );
    run = opened;
    host.raise({ type: 'loaded', program: opened.outline });
  };

  if (trace) process.tracer.enable();
  else process.tracer.disable();
  process.leftRuns.enter(name);
  const note = (incarnation: number): void => process.leftRuns.note(name, runHash(name, incarnation));
  note(incarnation);
  return {
    host,
    loading: load().catch(host.fail),
    get run() {
      return run;
    },
    get generation() {
      return generation;
    },
    loaded() {
      invariant(run !== undefined, 'this effect comes after the experiment is loaded');
      return run;
    },
    connect(effect) {
      generation?.close();
      note(effect.incarnation);
      generation = openGeneration(host, this.loaded(), effect);
    },
    entered() {
      invariant(generation !== undefined, 'this effect comes after a generation has begun');
      return generation;
    },
    async close() {
      isOver = true;
      generation?.close();
      // Peers may have entered a generation of a restarted coordinator that this worker never heard of.
      const last = process.welcome();
      if (last?.run === name) note(last.incarnation);
      await run?.close();
    },
  };
}
