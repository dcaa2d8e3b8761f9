/** A simulated pool: a process with a dispatcher and one coordinator's machine for each run. */

import { invariant } from '@lockstep/errors';
import { HEARTBEAT_MS, LINGER_MS, LIVENESS_MS, TICK_MS } from '../constants.ts';
import type { CoordinatorEvent } from '../coordinator/state.ts';
import { advanceDispatcher, createDispatcher } from '../dispatcher/machine.ts';
import { mostWorkers } from '../dispatcher/placing.ts';
import type {
  DispatcherEffect,
  DispatcherEvent,
  DispatcherState,
  PoolEvent,
  PooledRun,
  RunBound,
  RunNeeds,
} from '../dispatcher/state.ts';
import type { CoordinatorMessage, WorkerMessage } from '../messages/messages.ts';
import { createPause } from './pause.ts';
import { createSimCoordinator, type SimCoordinator } from './sim-coordinator.ts';
import type { SimRun, World } from './world.ts';

export interface SimPool {
  readonly state: () => DispatcherState;
  hear(worker: string, message: WorkerMessage): void;
  raise(event: DispatcherEvent): void;
  /** Raises an event in a run's machine, if the run has not ended. */
  tell(run: string, event: CoordinatorEvent): void;
  add(run: SimRun, incarnation: number, needs: RunNeeds): void;
  crash(): void;
  pause(durationMs: number): void;
}

export interface SimPoolOptions {
  readonly world: Pick<World, 'clock' | 'random' | 'isDiskFull'>;
  send(worker: string, message: CoordinatorMessage): void;
  onEvent(event: PoolEvent): void;
  onEnded(run: string): void;
}

export function createSimPool({ world, send, onEvent, onEnded }: SimPoolOptions): SimPool {
  const { clock } = world;
  const pause = createPause(clock);
  const machines = new Map<string, SimCoordinator>();
  let isAlive = true;
  let state = createDispatcher(
    {
      ...{ version: '1', build: 'b1', profile: 'auto' },
      ...{ heartbeatMs: HEARTBEAT_MS, livenessMs: LIVENESS_MS, lingerMs: LINGER_MS },
    },
    clock.now(),
  );
  /** Events that effects raise wait until the effects before them are carried out. */
  const queue: DispatcherEvent[] = [];
  let isBusy = false;

  function raise(event: DispatcherEvent): void {
    queue.push(event);
    if (isBusy) return;
    isBusy = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const advanced = advanceDispatcher(state, next, clock.now());
      state = advanced.state;
      for (const effect of advanced.effects) perform(effect);
      checkPlaces(state);
    }
    isBusy = false;
  }

  function perform(effect: DispatcherEffect) {
    switch (effect.type) {
      case 'send':
      case 'forward':
        return send(effect.worker, effect.message);
      case 'deliver':
        checkSource(effect.run, effect.event);
        return machines.get(effect.run)?.raise(effect.event);
      case 'event':
        return onEvent(effect.event);
      default:
        effect satisfies never;
    }
  }

  function add(run: SimRun, incarnation: number, needs: RunNeeds): void {
    const { name, options } = run;
    const machine = createSimCoordinator({
      ...{ world, run, incarnation, minWorkers: 1, pooled: true, pause },
      send: (worker, message) => raise({ type: 'send', run: name, worker, message }),
      onEnding: () => raise({ type: 'runEnding', run: name }),
      onEnded() {
        raise({ type: 'runEnded', run: name });
        machines.get(name)?.crash();
        machines.delete(name);
        onEnded(name);
      },
    });
    machines.set(name, machine);
    raise({ type: 'runAdded', run: name, needs, remaining: options.numSteps });
  }

  function tick(): void {
    if (!isAlive) return;
    pause.whenAwake(() => {
      if (!isAlive) return;
      raise({ type: 'tick' });
      checkFree(state);
      for (const [run, machine] of machines) {
        const { progressStep } = machine.state();
        const { numSteps } = runOptions.get(run) ?? { numSteps: 0 };
        raise({ type: 'progress', run, remaining: Math.max(0, numSteps - progressStep) });
      }
    });
    clock.after(TICK_MS, tick);
  }

  const runOptions = new Map<string, { readonly numSteps: number }>();
  const whenAlive = (action: () => void): void =>
    pause.whenAwake(() => {
      if (isAlive) action();
    });
  clock.after(TICK_MS, tick);
  return {
    state: () => state,
    hear: (worker, message) => whenAlive(() => raise({ type: 'message', worker, message })),
    raise: (event) => whenAlive(() => raise(event)),
    tell: (run, event) => whenAlive(() => machines.get(run)?.raise(event)),
    add(run, incarnation, needs) {
      runOptions.set(run.name, run.options);
      whenAlive(() => add(run, incarnation, needs));
    },
    crash() {
      isAlive = false;
      for (const machine of machines.values()) machine.crash();
    },
    pause: pause.begin,
  };
}

/** No message of a worker that is in one run reaches another. */
function checkSource(run: string, event: RunBound): void {
  if (event.type !== 'message' || event.message.type === 'leave') return;
  const { type, run: source } = event.message;
  const isFree = type === 'hello' && source === undefined;
  invariant(isFree || source === run, `a ${type} of run ${source} reached run ${run}`);
}

const isOpen = (run: PooledRun, worker: string): boolean => !run.isEnding && !run.refused.has(worker);

/** No worker is idle while a run waits, and no worker is missing: each run's are those of the pool. */
function checkPlaces({ workers, runs, isClosing }: DispatcherState): void {
  if (isClosing) return;
  const served = new Set(
    [...workers.values()].map(({ place }) => (place.kind === 'serving' ? place.run : '')),
  );
  for (const [worker, { place }] of workers) {
    if (place.kind === 'serving') invariant(runs.has(place.run), `${worker} serves a run that has ended`);
    if (place.kind !== 'idle') continue;
    const waiting = [...runs].find(([name, run]) => !served.has(name) && isOpen(run, worker));
    invariant(waiting === undefined, `${worker} is idle and run ${waiting?.[0]} waits`);
  }
}

/** A worker that has lingered is idle only if no run has room for it. */
function checkFree({ workers, runs, isClosing, ranMs }: DispatcherState): void {
  if (isClosing) return;
  for (const [worker, { place }] of workers) {
    if (place.kind !== 'idle' || ranMs - place.sinceMs < LINGER_MS) continue;
    for (const [name, run] of runs) {
      const isIn = (other: string) => {
        const at = workers.get(other)?.place;
        return at?.kind === 'serving' && at.run === name;
      };
      const numServers = [...workers.keys()].filter(isIn).length;
      const hasRoom = isOpen(run, worker) && run.remaining > 0 && numServers < mostWorkers(run);
      invariant(!hasRoom, `${worker} is idle and run ${name} has room`);
    }
  }
}
