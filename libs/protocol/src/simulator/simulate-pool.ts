/**
 * Runs a pool of the real state machines in one process, on a virtual clock: many runs, one dispatcher, and workers that go from
 * run to run, with faults drawn from a seed. Every run ends with its only correct state, or this throws an `internal` error that
 * names the broken promise.
 */

import { invariant } from '@lockstep/errors';
import type { Outcome } from '../coordinator/state.ts';
import type { PoolEvent } from '../dispatcher/state.ts';
import { Hosts, type LoadFault } from './hosts.ts';
import { Ledger } from './ledger.ts';
import type { Faults, RunOptions } from './options.ts';
import { createSimPool, type SimPool } from './sim-pool.ts';
import type { SimRun } from './world.ts';

export interface PooledRunOptions extends RunOptions {
  /** When the run is added. */
  readonly atMs: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** Steps after which the run pauses and is added again, ascending. Default: none. */
  readonly pauses?: readonly number[];
}

export interface PoolFaults extends Omit<Faults, 'numReweighs' | 'interrupt'> {
  /** Runs that are interrupted, and resumed in the same pool. */
  readonly numInterrupts: number;
  /** Workers that join and fail to load every other run. */
  readonly numPartlyBad: number;
}

export interface PoolSimulationOptions {
  readonly seed: number;
  readonly numWorkers: number;
  /** In the order in which they are to be served. */
  readonly runs: readonly PooledRunOptions[];
  /** Encodes and decodes every control message. */
  readonly encodeMessages: boolean;
  readonly faults: PoolFaults;
}

export interface PoolSimulationResult {
  /** Of each run, in their order. The last of each is `finished`, or `nonFinite` if that was planted. */
  readonly outcomes: readonly (readonly Outcome[])[];
  readonly numWorkers: number;
  /** How often a worker was given to a run. */
  readonly numAssignments: number;
  /** How often a worker was taken from a run that went on. */
  readonly numMoves: number;
  /** Workers that were given to a run. */
  readonly numUsed: number;
  readonly virtualMs: number;
}

const GIVE_UP_MS = 900_000;
const anError = { code: 'internal', message: 'an error', facts: {} } as const;

/** @throws LockstepError `internal` when a run breaks an invariant or does not end */
export function simulatePool(options: PoolSimulationOptions): PoolSimulationResult {
  const cluster = new PoolCluster(options);
  cluster.schedule();
  return cluster.run();
}

interface Scheduled {
  readonly run: SimRun;
  readonly options: PooledRunOptions;
  readonly order: number;
  incarnation: number;
  /** It is in the pool, or it was when the pool crashed. */
  isAdded: boolean;
}

class PoolCluster {
  readonly #options: PoolSimulationOptions;
  readonly #runs: readonly Scheduled[];
  readonly #hosts: Hosts;
  readonly #used = new Set<string>();
  #numAssignments = 0;
  #numMoves = 0;
  #numPools = 0;
  /** Null while the pool's process is down. */
  #pool: SimPool | null = null;

  constructor(options: PoolSimulationOptions) {
    this.#options = options;
    this.#runs = options.runs.map((run, order) => ({
      run: { name: `r${order}`, options: run, ledger: new Ledger(run) },
      ...{ options: run, order, incarnation: 0, isAdded: false },
    }));
    this.#hosts = new Hosts({
      ...options,
      runOf: (name) => partOf(this.#scheduled(name).run, pauseIn(name)),
      arrive: (worker, message) => this.#pool?.hear(worker, message),
      disconnected: (worker) => this.#pool?.raise({ type: 'disconnected', worker }),
    });
    this.#startPool();
  }

  /** Draws when workers join, when runs are added and when faults happen. */
  schedule(): void {
    const { numWorkers, faults } = this.#options;
    const { random, clock } = this.#hosts;
    const during = (times: number, action: () => void) => this.#sometime(times, faults.withinMs, action);
    this.#sometime(numWorkers, 100, () => this.#hosts.spawn());
    for (const scheduled of this.#runs) clock.at(scheduled.options.atMs, () => this.#add(scheduled));
    during(faults.numCrashes, () => this.#crash());
    during(faults.numJoins, () => this.#hosts.spawn());
    during(faults.numPauses, () => this.#hosts.pick()?.pause(random.between(500, 4_000)));
    during(faults.numFreezes, () => this.#freeze());
    during(faults.numBadNewcomers, () => this.#spawnBad(() => true));
    during(faults.numPartlyBad, () => this.#spawnBad((run) => Number(run.slice(1)) % 2 === 0));
    during(faults.numBrokenLinks, () => this.#hosts.breakLink());
    during(faults.numCoordinatorRestarts, () => this.#restartPool(random.between(50, 3_000)));
    during(faults.numFullDisks, () => this.#hosts.fillDisk());
    during(faults.numInterrupts, () => this.#pool?.tell(this.#pickRun(), { type: 'interrupt' }));
    during(faults.numErrors, () => this.#pool?.tell(this.#pickRun(), { type: 'failed', error: anError }));
    clock.after(1_000, () => this.#supervise());
  }

  run(): PoolSimulationResult {
    const { clock } = this.#hosts;
    while (!this.#isDone() || this.#hosts.living().length > 0) {
      const hasMore = clock.now() < GIVE_UP_MS && clock.runNext();
      invariant(hasMore, 'the pool did not finish', {
        virtualMs: clock.now(),
        ended: this.#runs.map(({ run }) => isOver(run)),
        pool: this.#pool?.state(),
        workers: this.#hosts.living().map(({ state }) => state),
      });
    }
    for (const { run } of this.#runs) run.ledger.close();
    const outcomes = this.#runs.map(({ run }) => run.ledger.outcomes);
    for (const each of outcomes) {
      const numEnds = each.filter(({ reason }) => reason === 'finished' || reason === 'nonFinite').length;
      invariant(numEnds === 1, `a run ended ${numEnds} times`, { each });
    }
    return {
      outcomes,
      numWorkers: this.#hosts.numWorkers,
      numAssignments: this.#numAssignments,
      numMoves: this.#numMoves,
      numUsed: this.#used.size,
      virtualMs: clock.now(),
    };
  }

  #count({ type, worker }: PoolEvent): void {
    if (type === 'moved') this.#numMoves += 1;
    if (type !== 'assigned') return;
    this.#numAssignments += 1;
    this.#used.add(worker);
  }

  #isDone(): boolean {
    return this.#runs.every(({ run }) => isOver(run));
  }

  #scheduled(name: string): Scheduled {
    return this.#runs[Number.parseInt(name.slice(1), 10)]!;
  }

  #pickRun(): string {
    return nextPart(this.#runs[this.#hosts.random.below(this.#runs.length)]!).name;
  }

  #sometime(times: number, withinMs: number, action: () => void): void {
    const { clock, random } = this.#hosts;
    const unlessDone = () => {
      if (!this.#isDone()) action();
    };
    for (let i = 0; i < times; i++) clock.after(random.between(0, withinMs), unlessDone);
  }

  #startPool(): void {
    this.#numPools += 1;
    const number = this.#numPools;
    this.#pool = createSimPool({
      world: this.#hosts,
      send: (worker, message) => this.#hosts.toWorker(worker, message),
      onEvent: (event) => this.#count(event),
      onEnded: (run) => this.#ended(run, number),
    });
    for (const scheduled of this.#runs) if (scheduled.isAdded && !isOver(scheduled.run)) this.#add(scheduled);
  }

  /** While the pool is down it is only noted. */
  #add(scheduled: Scheduled): void {
    const { options, order } = scheduled;
    scheduled.isAdded = true;
    if (this.#pool === null) return;
    scheduled.incarnation += 1;
    const { minWorkers, maxWorkers, numShards } = options;
    this.#pool.add(nextPart(scheduled), scheduled.incarnation, { order, minWorkers, maxWorkers, numShards });
  }

  /** A run that has paused, was interrupted or failed is resumed. The pool closes after the last one. */
  #ended(name: string, pool: number): void {
    const scheduled = this.#scheduled(name);
    if (this.#isDone()) this.#pool?.raise({ type: 'close' });
    else if (!isOver(scheduled.run)) {
      this.#hosts.clock.after(100, () => {
        if (pool === this.#numPools) this.#add(scheduled);
      });
    }
  }

  #restartPool(afterMs: number): void {
    this.#pool?.crash();
    this.#pool = null;
    this.#numPools += 1;
    const number = this.#numPools;
    this.#hosts.clock.after(afterMs, () => {
      if (number === this.#numPools) this.#startPool();
    });
  }

  #freeze(): void {
    const { random } = this.#hosts;
    if (random.chance(0.5)) {
      const durationMs = random.between(500, 120_000);
      for (const worker of this.#hosts.living()) worker.pause(durationMs);
      this.#pool?.pause(durationMs);
    } else this.#pool?.pause(random.between(500, 50_000));
  }

  #crash(): void {
    const victim = this.#hosts.pick();
    if (victim !== undefined) this.#hosts.crash(victim);
  }

  /** It does not stay for long: a run that only such workers load fails again and again. */
  #spawnBad(failsToLoad: LoadFault): void {
    const worker = this.#hosts.spawn(failsToLoad);
    this.#hosts.clock.after(this.#hosts.random.between(500, 3_000), () => {
      if (worker.isAlive) this.#hosts.crash(worker);
    });
  }

  /** Does what an operator does: starts missing workers. */
  #supervise(): void {
    if (this.#isDone()) return;
    if (this.#hosts.living().length === 0) this.#hosts.spawn();
    this.#hosts.clock.after(1_000, () => this.#supervise());
  }
}

function isOver({ ledger }: SimRun): boolean {
  const reason = ledger.outcomes.at(-1)?.reason;
  return reason === 'finished' || reason === 'nonFinite';
}

/** A run up to a pause, under a name of its own: a worker of another part has another plan. */
const partOf = (run: SimRun, pauseAt: number | undefined): SimRun =>
  pauseAt === undefined ? run : { ...run, name: `${run.name}@${pauseAt}`, pauseAt };

const pauseIn = (name: string): number | undefined =>
  name.includes('@') ? Number(name.slice(name.indexOf('@') + 1)) : undefined;

/** The part that follows those which have ended at their pause. */
function nextPart({ run, options: { pauses = [] } }: Scheduled): SimRun {
  const { outcomes } = run.ledger;
  return partOf(run, pauses[outcomes.filter(({ reason }) => reason === 'paused').length]);
}
