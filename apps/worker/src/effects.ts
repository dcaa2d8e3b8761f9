/** Hands what the worker's machine asks for to the run, the generation or the process that carries it out. */
import { invariant } from '@lockstep/errors';
import type { OpaqueRecord, WorkerEffect } from '@lockstep/protocol';
import type { RecordMode, RunConfig } from '@lockstep/run';
import { type Generation, openGeneration } from './generation/generation.ts';
import { createInbound, type Inbound } from './network/inbound.ts';
import { openRun, type Run } from './run/run.ts';
import { finishRun, saveCheckpoint, search } from './run/saving.ts';
import { createWorkerProcess, type WorkerParts } from './worker-process.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;

export interface Effects extends Inbound {
  /** Carries out an effect, or begins to. The effects of a worker come in the order in which its machine gives them. */
  carryOut(effect: WorkerEffect): void;
}

/** The configuration that comes with the welcome. */
interface WelcomeConfig {
  readonly run: RunConfig;
  readonly trace?: boolean;
  readonly record?: RecordMode;
}

export function createEffects(parts: WorkerParts): Effects {
  const process = createWorkerProcess(parts);
  let run: Run | undefined;
  let generation: Generation | undefined;

  const loaded = (): Run => {
    invariant(run !== undefined, 'this effect comes after the experiment is loaded');
    return run;
  };
  const entered = (): Generation => {
    invariant(generation !== undefined, 'this effect comes after a generation has begun');
    return generation;
  };
  const load = async ({ config }: Effect<'load'>): Promise<void> => {
    const { run: runConfig, trace = false, record = 'off' } = config as OpaqueRecord & WelcomeConfig;
    if (trace) process.tracer.enable();
    const [bundle] = process.rawFrames();
    const welcome = process.welcome();
    invariant(bundle !== undefined && welcome !== undefined, 'the bundle comes with the welcome');
    const { run: name, experiment } = welcome;
    run = await openRun({ name, bundle, hash: experiment.hash, config: runConfig, record }, process);
    process.raise({ type: 'loaded', program: run.outline });
  };
  const connect = (effect: Effect<'connect'>): void => {
    generation?.close();
    generation = openGeneration(process, loaded(), effect);
  };
  const exit = async (effect: Effect<'exit'>): Promise<void> => {
    process.end();
    generation?.close();
    // A job that runs must end before its threads do.
    await run?.close();
    process.exit(effect);
  };

  return {
    ...createInbound({ ...process, early: () => run?.early, generation: () => generation }),
    // The inferred return type lets each case return what it calls.
    carryOut(effect) {
      switch (effect.type) {
        case 'send':
          return process.send(effect.message);
        case 'load':
          return void load(effect).catch(process.fail);
        case 'connect':
          return connect(effect);
        case 'initialise':
          return entered().transfers.initialise();
        case 'fetchSnapshot':
          return entered().transfers.fetch(effect);
        case 'restore':
          return entered().transfers.restore(effect, process.rawFrames());
        case 'serveSnapshot':
          return entered().transfers.serve(effect);
        case 'runSegment':
          return entered().training.runSegment(effect);
        case 'exchange':
          return entered().training.exchange(effect);
        case 'runUpdate':
          return entered().training.runUpdate(effect);
        case 'commit':
          return loaded().replica.commit();
        case 'runEvaluation':
          return entered().evaluation.run(effect);
        case 'exchangeEvaluation':
          return entered().evaluation.exchange(effect);
        case 'checkpoint':
          return saveCheckpoint(process, loaded(), effect, entered().profile);
        case 'finish':
          return finishRun(process, loaded(), effect);
        case 'search':
          return search(process, loaded(), effect);
        case 'abort':
          return entered().abort();
        case 'exit':
          return void exit(effect);
        default:
          effect satisfies never;
      }
    },
  };
}
