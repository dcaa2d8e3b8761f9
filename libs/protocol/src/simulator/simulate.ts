/**
 * Runs a cluster of the real state machines in one process, on a virtual clock, with faults drawn from a seed. A run
 * ends with the only correct state or throws an `internal` error that names the promise it broke.
 */

import { invariant } from '@lockstep/errors';
import type { Outcome } from '../coordinator/state.ts';
import type { CoordinatorMessage, WorkerMessage } from '../messages/messages.ts';
import { createClock } from './clock.ts';
import type { PeerFrame } from './frames.ts';
import { Ledger } from './ledger.ts';
import { carry, createLinks } from './links.ts';
import type { SimulationOptions } from './options.ts';
import { createRandom } from './random.ts';
import { createSimCoordinator, type SimCoordinator } from './sim-coordinator.ts';
import { SimWorker } from './sim-worker.ts';
import type { World } from './world.ts';

export type { Faults, PlantedNonFinite, SimulationOptions } from './options.ts';

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

class Cluster implements World {
  readonly options: SimulationOptions;
  readonly clock = createClock();
  readonly random;
  readonly ledger;
  readonly #transfer;
  readonly #workers = new Map<string, SimWorker>();
  readonly #brokenUntilMs = new Map<string, number>();
  #diskFullUntilMs = 0;
  #incarnation = 1;
  /** Null while the coordinator is down. */
  #coordinator: SimCoordinator | null;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = createRandom(options.seed);
    this.ledger = new Ledger(options);
    this.#transfer = createLinks(this.clock, this.random);
    this.#coordinator = createSimCoordinator(this, this.#incarnation, options.numWorkers);
  }

  toCoordinator(worker: string, message: WorkerMessage): void {
    const carried = carry(message, 'worker', this.options.encodeMessages);
    this.#transfer(worker, 'coordinator', () => this.#coordinator?.hear(worker, carried));
  }

  toWorker(worker: string, message: CoordinatorMessage): void {
    const carried = carry(message, 'coordinator', this.options.encodeMessages);
    this.#transfer('coordinator', worker, () => this.#workers.get(worker)?.hear(carried));
  }

  toPeer(from: string, to: string, frame: PeerFrame): void {
    if (this.isBroken(from, to)) return;
    this.#transfer(from, to, () => this.#workers.get(to)?.receive(from, frame));
  }

  isBroken(worker: string, peer: string): boolean {
    const untilMs = this.#brokenUntilMs.get(linkOf(worker, peer)) ?? 0;
    return !this.#workers.get(peer)?.isAlive || this.clock.now() < untilMs;
  }

  living(): readonly SimWorker[] {
    return [...this.#workers.values()].filter(({ isAlive }) => isAlive);
  }

  isDiskFull(): boolean {
    return this.clock.now() < this.#diskFullUntilMs;
  }

  /** Draws when workers join and when faults happen. */
  schedule(): void {
    const { numWorkers, faults } = this.options;
    this.#sometime(numWorkers, 100, () => this.#spawn());
    this.#sometime(faults.numCrashes, faults.withinMs, () => this.#crash());
    this.#sometime(faults.numJoins, faults.withinMs, () => this.#spawn());
    this.#sometime(faults.numPauses, faults.withinMs, () =>
      this.#pick()?.pause(this.random.between(500, 4_000)),
    );
    this.#sometime(faults.numFreezes, faults.withinMs, () => this.#freeze());
    this.#sometime(faults.numBadNewcomers, faults.withinMs, () => this.#spawn(true));
    this.#sometime(faults.numBrokenLinks, faults.withinMs, () => this.#breakLink());
    this.#sometime(faults.numReweighs, faults.withinMs, () => this.#reweigh());
    this.#sometime(faults.numCoordinatorRestarts, faults.withinMs, () =>
      this.#restartCoordinator(this.random.between(50, 3_000)),
    );
    this.#sometime(faults.interrupt ? 1 : 0, faults.withinMs, () =>
      this.#coordinator?.raise({ type: 'interrupt' }),
    );
    this.#sometime(faults.numFullDisks, faults.withinMs, () => {
      this.#diskFullUntilMs = this.clock.now() + this.random.between(100, 3_000);
    });
    this.#sometime(faults.numErrors, faults.withinMs, () =>
      this.#coordinator?.raise({
        type: 'failed',
        error: { code: 'internal', message: 'an error', facts: {} },
      }),
    );
    this.clock.after(1_000, () => this.#supervise());
  }

  run(): SimulationResult {
    while (!this.#isDone() || this.living().length > 0) {
      const hasMore = this.clock.now() < GIVE_UP_MS && this.clock.runNext();
      invariant(hasMore, 'the run did not finish', {
        virtualMs: this.clock.now(),
        coordinator: this.#coordinator?.state(),
        workers: this.living().map(({ state }) => state),
      });
    }
    this.ledger.close();
    return {
      outcomes: this.ledger.outcomes,
      numGenerations: this.ledger.generations.length,
      numWorkers: this.#workers.size,
      virtualMs: this.clock.now(),
    };
  }

  #isDone(): boolean {
    const reason = this.ledger.outcomes.at(-1)?.reason;
    return reason === 'finished' || reason === 'nonFinite';
  }

  #sometime(times: number, withinMs: number, action: () => void): void {
    const unlessDone = () => {
      if (!this.#isDone()) action();
    };
    for (let i = 0; i < times; i++) this.clock.after(this.random.between(0, withinMs), unlessDone);
  }

  #spawn(failsToLoad = false): void {
    const id = `w${this.#workers.size + 1}`;
    this.#workers.set(id, new SimWorker(this, id, failsToLoad));
  }

  #freeze(): void {
    if (this.random.chance(0.5)) {
      const durationMs = this.random.between(500, 120_000);
      for (const worker of this.living()) worker.pause(durationMs);
      this.#coordinator?.pause(durationMs);
    } else this.#coordinator?.pause(this.random.between(500, 50_000));
  }

  #pick(): SimWorker | undefined {
    const all = this.living();
    return all[this.random.below(all.length)];
  }

  #crash(): void {
    const victim = this.#pick();
    if (victim === undefined) return;
    const fellows = victim.fellows();
    victim.crash();
    // The coordinator may notice the end of a connection late, or never.
    if (this.random.chance(0.5)) {
      this.#sometime(1, 3_000, () => this.#coordinator?.raise({ type: 'disconnected', worker: victim.id }));
    }
    for (const fellow of fellows) if (this.random.chance(0.5)) fellow.linkBroke(victim.id);
  }

  #breakLink(): void {
    const [one, other] = [this.#pick(), this.#pick()];
    if (one === undefined || other === undefined || one === other) return;
    const untilMs = this.clock.now() + this.random.between(1, 1_500);
    this.#brokenUntilMs.set(linkOf(one.id, other.id), untilMs);
    one.linkBroke(other.id);
    other.linkBroke(one.id);
  }

  #reweigh(): void {
    const weights = this.living().map(({ id }) => [id, this.random.between(0.5, 4)]);
    this.#coordinator?.raise({ type: 'reweigh', weights: Object.fromEntries(weights) });
  }

  #restartCoordinator(afterMs: number): void {
    this.#coordinator?.crash();
    this.#coordinator = null;
    this.#incarnation += 1;
    const incarnation = this.#incarnation;
    this.clock.after(afterMs, () => {
      if (incarnation === this.#incarnation) this.#coordinator = createSimCoordinator(this, incarnation, 1);
    });
  }

  /** Does what an operator or Kubernetes does: starts missing workers and resumes an interrupted run. */
  #supervise(): void {
    if (this.#isDone()) return;
    const state = this.#coordinator?.state();
    if (state?.phase === 'done') this.#restartCoordinator(100);
    const needed = state?.phase === 'gathering' ? state.needed : 1;
    if (this.living().length < needed) this.#spawn();
    this.clock.after(1_000, () => this.#supervise());
  }
}

function linkOf(one: string, other: string): string {
  return one < other ? `${one}-${other}` : `${other}-${one}`;
}
