/**
 * Runs a cluster of the real state machines in one process, on a virtual clock, with faults drawn from a seed. A run
 * ends with the only correct state or throws an `internal` error that names the promise it broke.
 */

import { invariant } from '@lockstep/errors';
import type { CoordinatorEvent, CoordinatorState, Outcome } from '../coordinator/state.ts';
import { Hosts } from './hosts.ts';
import { Ledger } from './ledger.ts';
import type { SimulationOptions } from './options.ts';
import { createPause, type Pause } from './pause.ts';
import { createSimCoordinator, type SimCoordinator } from './sim-coordinator.ts';
import type { SimRun } from './world.ts';

export type { Faults, PlantedNonFinite, RunOptions, SimulationOptions } from './options.ts';

export interface SimulationResult {
  /** The last is `finished`, or `nonFinite` if that was planted. A run that was interrupted or failed is resumed. */
  readonly outcomes: readonly Outcome[];
  readonly numGenerations: number;
  readonly numWorkers: number;
  readonly virtualMs: number;
}

const GIVE_UP_MS = 600_000;

/** @throws LockstepError `internal` when the run breaks an invariant or does not end */
export function simulate(options: SimulationOptions): SimulationResult {
  const cluster = new Cluster(options);
  cluster.schedule();
  return cluster.run();
}

/** The process of the coordinator. */
interface Process {
  readonly coordinator: SimCoordinator;
  readonly pause: Pause;
}

const anError = { code: 'internal', message: 'an error', facts: {} } as const;

class Cluster {
  readonly #options: SimulationOptions;
  readonly #run: SimRun;
  readonly #hosts: Hosts;
  #incarnation = 1;
  /** Null while the coordinator is down. */
  #process: Process | null;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#run = { name: 'run', options, ledger: new Ledger(options) };
    this.#hosts = new Hosts({
      ...options,
      runOf: () => this.#run,
      arrive: (worker, message) => this.#raise({ type: 'message', worker, message }),
      disconnected: (worker) => {
        if (!this.#isDone()) this.#raise({ type: 'disconnected', worker });
      },
    });
    this.#process = this.#startCoordinator(options.numWorkers);
  }

  /** Draws when workers join and when faults happen. */
  schedule(): void {
    const { numWorkers, faults } = this.#options;
    const { random, clock } = this.#hosts;
    const during = (times: number, action: () => void) => this.#sometime(times, faults.withinMs, action);
    this.#sometime(numWorkers, 100, () => this.#hosts.spawn());
    during(faults.numCrashes, () => this.#crash());
    during(faults.numJoins, () => this.#hosts.spawn());
    during(faults.numPauses, () => this.#hosts.pick()?.pause(random.between(500, 4_000)));
    during(faults.numFreezes, () => this.#freeze());
    during(faults.numBadNewcomers, () => this.#hosts.spawn(() => true));
    during(faults.numBrokenLinks, () => this.#hosts.breakLink());
    during(faults.numReweighs, () => this.#reweigh());
    during(faults.numCoordinatorRestarts, () => this.#restartCoordinator(random.between(50, 3_000)));
    during(faults.interrupt ? 1 : 0, () => this.#raise({ type: 'interrupt' }));
    during(faults.numFullDisks, () => this.#hosts.fillDisk());
    during(faults.numErrors, () => this.#raise({ type: 'failed', error: anError }));
    clock.after(1_000, () => this.#supervise());
  }

  run(): SimulationResult {
    const { clock } = this.#hosts;
    const { ledger } = this.#run;
    while (!this.#isDone() || this.#hosts.living().length > 0) {
      const hasMore = clock.now() < GIVE_UP_MS && clock.runNext();
      invariant(hasMore, 'the run did not finish', {
        virtualMs: clock.now(),
        coordinator: this.#state(),
        workers: this.#hosts.living().map(({ state }) => state),
      });
    }
    ledger.close();
    return {
      outcomes: ledger.outcomes,
      numGenerations: ledger.generations.length,
      numWorkers: this.#hosts.numWorkers,
      virtualMs: clock.now(),
    };
  }

  #isDone(): boolean {
    const reason = this.#run.ledger.outcomes.at(-1)?.reason;
    return reason === 'finished' || reason === 'nonFinite';
  }

  #state(): CoordinatorState | undefined {
    return this.#process?.coordinator.state();
  }

  /** A coordinator that is paused handles the event when it continues. */
  #raise(event: CoordinatorEvent): void {
    const { coordinator, pause } = this.#process ?? {};
    pause?.whenAwake(() => coordinator?.raise(event));
  }

  #sometime(times: number, withinMs: number, action: () => void): void {
    const { clock, random } = this.#hosts;
    const unlessDone = () => {
      if (!this.#isDone()) action();
    };
    for (let i = 0; i < times; i++) clock.after(random.between(0, withinMs), unlessDone);
  }

  #startCoordinator(minWorkers: number): Process {
    const pause = createPause(this.#hosts.clock);
    const coordinator = createSimCoordinator({
      world: this.#hosts,
      run: this.#run,
      incarnation: this.#incarnation,
      minWorkers,
      pause,
      send: (worker, message) => this.#hosts.toWorker(worker, message),
    });
    return { coordinator, pause };
  }

  #freeze(): void {
    const { random } = this.#hosts;
    if (random.chance(0.5)) {
      const durationMs = random.between(500, 120_000);
      for (const worker of this.#hosts.living()) worker.pause(durationMs);
      this.#process?.pause.begin(durationMs);
    } else this.#process?.pause.begin(random.between(500, 50_000));
  }

  #crash(): void {
    const victim = this.#hosts.pick();
    if (victim !== undefined) this.#hosts.crash(victim);
  }

  #reweigh(): void {
    const weights = this.#hosts.living().map(({ id }) => [id, this.#hosts.random.between(0.5, 4)]);
    this.#raise({ type: 'reweigh', weights: Object.fromEntries(weights) });
  }

  #restartCoordinator(afterMs: number): void {
    this.#process?.coordinator.crash();
    this.#process = null;
    this.#incarnation += 1;
    const incarnation = this.#incarnation;
    this.#hosts.clock.after(afterMs, () => {
      if (incarnation === this.#incarnation) this.#process = this.#startCoordinator(1);
    });
  }

  /** Does what an operator or Kubernetes does: starts missing workers and resumes an interrupted run. */
  #supervise(): void {
    if (this.#isDone()) return;
    const state = this.#state();
    if (state?.phase === 'done') this.#restartCoordinator(100);
    const needed = state?.phase === 'gathering' ? state.needed : 1;
    if (this.#hosts.living().length < needed) this.#hosts.spawn();
    this.#hosts.clock.after(1_000, () => this.#supervise());
  }
}
