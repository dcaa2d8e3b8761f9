/** A simulated coordinator process. Its disk outlives it. */

import { HEARTBEAT_MS, LIVENESS_MS, RETURN_WAIT_MS, TICK_MS } from '../constants.ts';
import { advanceCoordinator, createCoordinator, recover } from '../coordinator/machine.ts';
import type {
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorState,
  JournalEntry,
} from '../coordinator/state.ts';
import type { WorkerMessage } from '../messages/messages.ts';
import { createPause } from './pause.ts';
import type { World } from './world.ts';

export interface SimCoordinator {
  readonly state: () => CoordinatorState;
  hear(worker: string, message: WorkerMessage): void;
  raise(event: CoordinatorEvent): void;
  crash(): void;
  /** Pauses for `durationMs`; handles events of the pause afterwards. */
  pause(durationMs: number): void;
}

export function createSimCoordinator(world: World, incarnation: number, minWorkers: number): SimCoordinator {
  const { clock, random, options, ledger } = world;
  const { disk } = ledger;
  let alive = true;
  const { begin: pause, whenAwake } = createPause(clock);
  /** The state in the current message, if it is a checkpoint. */
  let attached = 0;
  let state = createCoordinator(
    {
      run: 'run',
      incarnation,
      version: '1',
      build: 'b1',
      experiment: { name: 'simulated', hash: 'experiment' },
      config: {},
      bundleBytes: 0,
      numShards: options.numShards,
      minWorkers,
      profile: 'auto',
      heartbeatMs: HEARTBEAT_MS,
      livenessMs: LIVENESS_MS,
      awaited: lastMembers(disk.journal),
      awaitMs: RETURN_WAIT_MS,
      initial: recover(disk.journal, disk),
    },
    clock.now(),
  );

  function raise(event: CoordinatorEvent) {
    if (!alive) return;
    const advanced = advanceCoordinator(state, event, clock.now());
    state = advanced.state;
    for (const effect of advanced.effects) {
      ledger.observed(incarnation, effect);
      perform(effect);
    }
  }

  function perform(effect: CoordinatorEffect) {
    switch (effect.type) {
      case 'send':
        return world.toWorker(effect.worker, effect.message);
      case 'sendCheckpoint': {
        const { worker, generation, step } = effect;
        const header = { params: disk.checkpoints.get(step) };
        return world.toWorker(worker, { type: 'restore', generation, step, header, frames: [] });
      }
      case 'storeCheckpoint': {
        const params = attached;
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
      case 'done':
        return;
      default:
        effect satisfies never;
    }
  }

  function tick() {
    if (!alive) return;
    whenAwake(() => raise({ type: 'tick' }));
    clock.after(TICK_MS, tick);
  }

  clock.after(TICK_MS, tick);
  return {
    state: () => state,
    raise: (event) => whenAwake(() => raise(event)),
    hear: (worker, message) =>
      whenAwake(() => {
        if (message.type === 'checkpoint') attached = Number(message.header.params);
        raise({ type: 'message', worker, message });
      }),
    pause,
    crash: () => {
      alive = false;
    },
  };
}

const noSpace = { code: 'file', message: 'no space', facts: {} } as const;

/** The members of the last generation. Some may never return. */
function lastMembers(journal: readonly JournalEntry[]): readonly string[] {
  const last = journal.findLast(({ type }) => type === 'generation');
  return last?.type === 'generation' ? last.members.map(({ worker }) => worker) : [];
}
