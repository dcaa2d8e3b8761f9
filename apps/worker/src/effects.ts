/** Hands what the worker's machine asks for to the run, the generation or the process that carries it out. */
import { invariant } from '@lockstep/errors';
import type { WorkerEffect } from '@lockstep/protocol';
import { createInbound, type Inbound } from './network/inbound.ts';
import { finishRun, saveCheckpoint, search } from './run/saving.ts';
import { beginStay, type Stay, type StayConfig } from './run/stay.ts';
import { createWorkerProcess, type WorkerParts } from './worker-process.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;

export interface Effects extends Inbound {
  /** Carries out an effect, or begins to. The effects of a worker come in the order in which its machine gives them. */
  carryOut(effect: WorkerEffect): void;
}

export function createEffects(parts: WorkerParts): Effects {
  const process = createWorkerProcess(parts);
  let stay: Stay | undefined;
  /** The end of the last stay's jobs. */
  let leaving = Promise.resolve();

  const staying = (): Stay => {
    invariant(stay !== undefined, 'this effect comes after a welcome');
    return stay;
  };
  const loaded = () => staying().loaded();
  const entered = () => staying().entered();
  const load = ({ config }: Effect<'load'>): void => {
    const [bundle] = process.rawFrames();
    const welcome = process.welcome();
    invariant(bundle !== undefined && welcome !== undefined, 'the bundle comes with the welcome');
    stay = beginStay(process, welcome, config as unknown as StayConfig, bundle);
  };
  /** From now on frames of the run are for nobody, and no job of it begins. */
  const leave = (): void => {
    if (stay !== undefined) leaving = stay.close();
    stay = undefined;
  };
  const release = async (): Promise<void> => {
    const loading = stay?.loading;
    leave();
    await leaving;
    // The compiler answers one request at a time.
    await loading;
    process.raise({ type: 'released' });
  };
  const exit = async (effect: Effect<'exit'>): Promise<void> => {
    process.end();
    leave();
    // A job that runs must end before its threads do.
    await leaving;
    process.exit(effect);
  };

  return {
    ...createInbound({ ...process, early: () => stay?.run?.early, generation: () => stay?.generation }),
    // The inferred return type lets each case return what it calls.
    carryOut(effect) {
      switch (effect.type) {
        case 'send':
          return process.send(effect.message);
        case 'load':
          return load(effect);
        case 'connect':
          return staying().connect(effect);
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
          return saveCheckpoint(staying().host, loaded(), effect, entered().profile);
        case 'finish':
          return finishRun(staying().host, loaded(), effect);
        case 'search':
          return search(staying().host, loaded(), effect);
        case 'abort':
          return entered().abort();
        case 'release':
          return void release().catch(process.fail);
        case 'exit':
          return void exit(effect);
        default:
          effect satisfies never;
      }
    },
  };
}
