/** A run's simulated coordinator: a process of its own, or a part of a pool's. The run's disk outlives it. */

import { HEARTBEAT_MS, LIVENESS_MS, RETURN_WAIT_MS, TICK_MS } from '../constants.ts';
import { advanceCoordinator, createCoordinator, recover } from '../coordinator/machine.ts';
import type {
  CoordinatorConfig,
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorState,
  HeldCheckpoint,
  JournalEntry,
} from '../coordinator/state.ts';
import type { CoordinatorMessage } from '../messages/messages.ts';
import type { Pause } from './pause.ts';
import type { SimRun, World } from './world.ts';

export interface SimCoordinator {
  readonly state: () => CoordinatorState;
  /** Handles an event at once. */
  raise(event: CoordinatorEvent): void;
  crash(): void;
}

export interface SimCoordinatorOptions {
  readonly world: Pick<World, 'clock' | 'random' | 'isDiskFull'>;
  readonly run: SimRun;
  readonly incarnation: number;
  readonly minWorkers: number;
  readonly pooled?: true;
  /** Of the process, which handles no tick meanwhile. */
  readonly pause: Pause;
  send(worker: string, message: CoordinatorMessage): void;
  /** Called when the machine has decided that the run is over, before it tells anybody. */
  onEnding?(): void;
  onEnded?(): void;
}

export function createSimCoordinator(options: SimCoordinatorOptions): SimCoordinator {
  const { world, run, incarnation, pooled, send, onEnding, onEnded } = options;
  const { clock, random } = world;
  const { ledger } = run;
  const { disk } = ledger;
  let alive = true;
  const queue: { readonly effect: CoordinatorEffect; readonly attached: number }[] = [];
  let isWriting = false;
  const held = createHeldStates();
  let state = createCoordinator(configOf(options), clock.now());

  function raise(event: CoordinatorEvent) {
    if (!alive) return;
    const isCheckpoint = event.type === 'message' && event.message.type === 'checkpoint';
    const attached = isCheckpoint ? Number(event.message.header.params) : 0;
    const { phase } = state;
    const advanced = advanceCoordinator(state, event, clock.now());
    state = advanced.state;
    if (phase !== 'done' && state.phase === 'done') onEnding?.();
    for (const effect of advanced.effects) queue.push({ effect, attached });
    if (!isWriting) carryOut();
  }

  /** In a pool effects wait for the journal, so that messages may be sent when their worker has gone to another run. */
  function carryOut() {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      ledger.observed(incarnation, next.effect);
      perform(next.effect, next.attached);
      if (pooled && next.effect.type === 'journal') return write();
    }
  }

  function write(): void {
    isWriting = true;
    clock.after(random.between(0, 10), () =>
      options.pause.whenAwake(() => {
        isWriting = false;
        if (alive) carryOut();
      }),
    );
  }

  /** `attached`: the state in the message, if it is a checkpoint. */
  function perform(effect: CoordinatorEffect, attached: number) {
    switch (effect.type) {
      case 'send':
        return send(effect.worker, effect.message);
      case 'sendCheckpoint': {
        const { worker, generation, step } = effect;
        const header = { params: disk.checkpoints.get(step) };
        const named = pooled && { run: run.name };
        return send(worker, { type: 'restore', generation, step, header, frames: [], ...named });
      }
      case 'holdCheckpoint':
        return held.put(effect, attached);
      case 'storeCheckpoint': {
        const params = held.take(effect) ?? attached;
        return clock.after(random.between(1, 50), () => {
          if (!alive) return;
          const { step } = effect;
          if (world.isDiskFull()) return raise({ type: 'checkpointFailed', step, error: noSpace });
          ledger.stored(step, params);
          raise({ type: 'checkpointSaved', step });
        });
      }
      case 'journal':
      case 'event':
      case 'progress':
      case 'evaluation':
      case 'diverged':
        return;
      case 'done':
        return onEnded?.();
      default:
        effect satisfies never;
    }
  }

  function tick() {
    if (!alive) return;
    options.pause.whenAwake(() => raise({ type: 'tick' }));
    clock.after(TICK_MS, tick);
  }

  clock.after(TICK_MS, tick);
  return {
    state: () => state,
    raise,
    crash: () => {
      alive = false;
    },
  };
}

/** The states of checkpoints that are held. */
function createHeldStates() {
  const states = new Map<string, number>();
  const keyOf = ({ worker, step }: HeldCheckpoint): string => `${worker} ${step}`;
  return {
    put(of: HeldCheckpoint, params: number): void {
      states.set(keyOf(of), params);
    },
    take(of: HeldCheckpoint): number | undefined {
      const params = states.get(keyOf(of));
      states.delete(keyOf(of));
      return params;
    },
  };
}

function configOf({ run, incarnation, minWorkers, pooled }: SimCoordinatorOptions): CoordinatorConfig {
  const { disk } = run.ledger;
  return {
    ...{ run: run.name, incarnation, version: '1', build: 'b1' },
    experiment: { name: 'simulated', hash: 'experiment' },
    ...{ config: { run: run.name }, bundleBytes: 0, numShards: run.options.numShards },
    ...{ minWorkers, profile: 'auto', heartbeatMs: HEARTBEAT_MS, livenessMs: LIVENESS_MS },
    ...(pooled && { pooled }),
    ...(run.pauseAt !== undefined && { pauseAt: run.pauseAt }),
    // A pool gives former members to other runs, or back to this one.
    awaited: pooled ? [] : lastMembers(disk.journal),
    awaitMs: RETURN_WAIT_MS,
    initial: recover(disk.journal, disk),
  };
}

const noSpace = { code: 'file', message: 'no space', facts: {} } as const;

/** The members of the last generation. Some may never return. */
function lastMembers(journal: readonly JournalEntry[]): readonly string[] {
  const last = journal.findLast(({ type }) => type === 'generation');
  return last?.type === 'generation' ? last.members.map(({ worker }) => worker) : [];
}
