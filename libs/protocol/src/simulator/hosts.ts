/** The simulated worker processes, the network between all processes, and the faults of both. */

import type { CoordinatorMessage, WorkerMessage } from '../messages/messages.ts';
import { createClock } from './clock.ts';
import type { PeerFrame } from './frames.ts';
import { carry, createLinks } from './links.ts';
import { createRandom } from './random.ts';
import { SimWorker } from './sim-worker.ts';
import type { SimRun, World } from './world.ts';

export interface HostsOptions {
  readonly seed: number;
  readonly encodeMessages: boolean;
  runOf(name: string): SimRun;
  /** A worker's message has arrived at the address of the coordinator. */
  arrive(worker: string, message: WorkerMessage): void;
  /** The end of a worker's connection is noticed. */
  disconnected(worker: string): void;
}

/** Runs that a worker fails to load. */
export type LoadFault = (run: string) => boolean;

export class Hosts implements World {
  readonly clock = createClock();
  readonly random;
  readonly #options: HostsOptions;
  readonly #transfer;
  readonly #workers = new Map<string, SimWorker>();
  readonly #brokenUntilMs = new Map<string, number>();
  #diskFullUntilMs = 0;

  constructor(options: HostsOptions) {
    this.#options = options;
    this.random = createRandom(options.seed);
    this.#transfer = createLinks(this.clock, this.random);
  }

  runOf(name: string): SimRun {
    return this.#options.runOf(name);
  }

  toCoordinator(worker: string, message: WorkerMessage): void {
    const carried = carry(message, 'worker', this.#options.encodeMessages);
    this.#transfer(worker, 'coordinator', () => this.#options.arrive(worker, carried));
  }

  toWorker(worker: string, message: CoordinatorMessage): void {
    const carried = carry(message, 'coordinator', this.#options.encodeMessages);
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

  /** How many workers there have been. */
  get numWorkers(): number {
    return this.#workers.size;
  }

  spawn(failsToLoad: LoadFault = () => false): SimWorker {
    const id = `w${this.#workers.size + 1}`;
    const worker = new SimWorker(this, id, failsToLoad);
    this.#workers.set(id, worker);
    return worker;
  }

  /** A random living worker. */
  pick(): SimWorker | undefined {
    const all = this.living();
    return all[this.random.below(all.length)];
  }

  crash(victim: SimWorker): void {
    const fellows = victim.fellows();
    victim.crash();
    // The coordinator may notice the end of a connection late, or never.
    if (this.random.chance(0.5)) {
      this.clock.after(this.random.between(0, 3_000), () => this.#options.disconnected(victim.id));
    }
    for (const fellow of fellows) if (this.random.chance(0.5)) fellow.linkBroke(victim.id);
  }

  breakLink(): void {
    const [one, other] = [this.pick(), this.pick()];
    if (one === undefined || other === undefined || one === other) return;
    const untilMs = this.clock.now() + this.random.between(1, 1_500);
    this.#brokenUntilMs.set(linkOf(one.id, other.id), untilMs);
    one.linkBroke(other.id);
    other.linkBroke(one.id);
  }

  fillDisk(): void {
    this.#diskFullUntilMs = this.clock.now() + this.random.between(100, 3_000);
  }
}

function linkOf(one: string, other: string): string {
  return one < other ? `${one}-${other}` : `${other}-${one}`;
}
