/**
 * A whole cluster of the real machines in one process, on a virtual clock, with faults from a seed. A run ends with
 * the one right state or throws an `internal` error that names the promise it broke.
 */

import { invariant } from '@lockstep/errors';
import type { Outcome } from '../coordinator/state.ts';
import { createClock } from './clock.ts';
import { createLedger } from './ledger.ts';
import { createRandom } from './random.ts';
import { createSimCoordinator } from './sim-coordinator.ts';
import { createSimWorker, type SimWorker } from './sim-worker.ts';
import { carry, createLinks, type SimulationOptions, type World } from './world.ts';

export type { Faults, SimulationOptions } from './world.ts';

export interface SimulationResult {
  /** The last is `finished`; an interrupted run is resumed. */
  readonly outcomes: readonly Outcome[];
  readonly numGenerations: number;
  readonly numWorkers: number;
  readonly virtualMs: number;
}

const GIVE_UP_MS = 600_000;

/** @throws LockstepError `internal` when the run breaks an invariant or does not end */
export function simulate(options: SimulationOptions): SimulationResult {
  const clock = createClock();
  const random = createRandom(options.seed);
  const ledger = createLedger(options);
  const transfer = createLinks(clock, random);
  const workers = new Map<string, SimWorker>();
  const brokenUntilMs = new Map<string, number>();
  const isDone = (): boolean => ledger.outcomes.at(-1)?.reason === 'finished';
  const living = (): SimWorker[] => [...workers.values()].filter((worker) => worker.isAlive());

  const world: World = {
    options,
    clock,
    random,
    ledger,
    toCoordinator(worker, message) {
      const carried = carry(message, 'worker', options.encodeMessages);
      transfer(worker, 'coordinator', () => coordinator?.hear(worker, carried));
    },
    toWorker(worker, message) {
      const carried = carry(message, 'coordinator', options.encodeMessages);
      transfer('coordinator', worker, () => workers.get(worker)?.hear(carried));
    },
    toPeer(from, to, frame) {
      if (!world.isBroken(from, to)) transfer(from, to, () => workers.get(to)?.receive(from, frame));
    },
    isBroken: (worker, peer) =>
      !workers.get(peer)?.isAlive() || clock.now() < (brokenUntilMs.get(linkOf(worker, peer)) ?? 0),
  };

  let incarnation = 1;
  let coordinator: ReturnType<typeof createSimCoordinator> | null = createSimCoordinator(
    world,
    incarnation,
    options.numWorkers,
  );

  function spawn(): void {
    const id = `w${workers.size + 1}`;
    const peer = (other: string) => living().find((worker) => worker.id === other);
    workers.set(id, createSimWorker(world, id, peer));
  }

  function pick(): SimWorker | undefined {
    const all = living();
    return all[random.below(all.length)];
  }

  function crash(): void {
    const victim = pick();
    if (victim === undefined) return;
    victim.crash();
    // The end of a connection may be noticed late, or never.
    if (random.chance(0.5)) {
      clock.after(random.between(1, 3_000), () =>
        coordinator?.raise({ type: 'disconnected', worker: victim.id }),
      );
    }
    for (const fellow of victim.fellows()) if (random.chance(0.5)) fellow.linkBroke(victim.id);
  }

  function breakLink(): void {
    const [one, other] = [pick(), pick()];
    if (one === undefined || other === undefined || one === other) return;
    brokenUntilMs.set(linkOf(one.id, other.id), clock.now() + random.between(1, 1_500));
    one.linkBroke(other.id);
    other.linkBroke(one.id);
  }

  function restartCoordinator(afterMs: number): void {
    coordinator?.crash();
    coordinator = null;
    incarnation += 1;
    const mine = incarnation;
    clock.after(afterMs, () => {
      if (mine === incarnation && !isDone()) coordinator = createSimCoordinator(world, mine, 1);
    });
  }

  /** What an operator or Kubernetes does: starts what is missing, resumes what was interrupted. */
  function supervise(): void {
    if (isDone()) return;
    const state = coordinator?.state();
    if (state?.phase === 'done') restartCoordinator(100);
    const wanted = state?.phase === 'gathering' ? state.needed : 1;
    if (living().length < wanted) spawn();
    clock.after(1_000, supervise);
  }

  const { faults } = options;
  const sometime = (times: number, action: () => void): void => {
    for (let i = 0; i < times; i++) clock.after(random.between(0, faults.withinMs), action);
  };
  for (let i = 0; i < options.numWorkers; i++) clock.after(random.between(0, 100), spawn);
  sometime(faults.numCrashes, crash);
  sometime(faults.numJoins, () => isDone() || spawn());
  sometime(faults.numPauses, () => pick()?.pause(random.between(500, 4_000)));
  sometime(faults.numBrokenLinks, breakLink);
  sometime(faults.numCoordinatorRestarts, () => isDone() || restartCoordinator(random.between(50, 3_000)));
  sometime(faults.interrupt ? 1 : 0, () => coordinator?.raise({ type: 'interrupt' }));
  clock.after(1_000, supervise);

  while (clock.now() < GIVE_UP_MS && clock.runNext() && (!isDone() || living().length > 0));
  return resultOf();

  function resultOf(): SimulationResult {
    const outcome = ledger.outcomes.at(-1);
    invariant(isDone() && outcome !== undefined, 'the run did not finish', {
      virtualMs: clock.now(),
      coordinator: coordinator?.state(),
      workers: living().map((worker) => worker.state()),
    });
    const { finalStep, disk } = ledger;
    invariant(outcome.step === finalStep, `the run finished at step ${outcome.step}, not ${finalStep}`);
    invariant(
      disk.progressStep === finalStep,
      `progress ended at step ${disk.progressStep}, not ${finalStep}`,
    );
    invariant(
      disk.finalEvaluated === options.finalEvaluation,
      'the final evaluation is missing or uncalled for',
    );
    invariant(living().length === 0, 'workers were left behind', { workers: living().map(({ id }) => id) });
    return {
      outcomes: ledger.outcomes,
      numGenerations: ledger.numGenerations(),
      numWorkers: workers.size,
      virtualMs: clock.now(),
    };
  }
}

function linkOf(one: string, other: string): string {
  return one < other ? `${one}-${other}` : `${other}-${one}`;
}
