/**
 * Which worker serves which run: a function of the state alone.
 *
 * 1. Every run without a worker gets a free one, the run of the lowest order first.
 * 2. Runs with fewer workers than they ask for get free ones, the run of the lowest order first.
 * 3. If a run still has none, a worker is taken from the run with most workers, but never its last one.
 * 4. A worker that has been free for a while joins the run that has most work left for each of its workers.
 */

import type { DispatcherState, PooledRun } from './state.ts';
import { deliver, inOrder, log, put, send, serversOf, type Turn } from './turn.ts';

/** A run that may be given workers. */
interface Open extends PooledRun {
  readonly name: string;
  readonly servers: readonly string[];
}

/** In their order. */
function openRuns(state: DispatcherState): readonly Open[] {
  return [...state.runs]
    .filter(([, run]) => !run.isEnding)
    .map(([name, run]) => ({ ...run, name, servers: serversOf(state, name) }))
    .sort((one, other) => one.order - other.order);
}

export const mostWorkers = ({ maxWorkers, numShards }: PooledRun): number => Math.min(maxWorkers, numShards);

/** Rules 1 to 3. Called after every event that frees a worker or adds a run. */
export function place(turn: Turn): void {
  if (turn.state.isClosing) return;
  fill(turn, () => 1);
  fill(turn, (run) => Math.min(run.minWorkers, mostWorkers(run)));
  takeForWaiting(turn);
}

function fill(turn: Turn, wanted: (run: Open) => number): void {
  const free = [...idle(turn.state)];
  for (const run of openRuns(turn.state)) {
    for (let number = run.servers.length; number < wanted(run) && free.length > 0; number++) {
      const at = free.findIndex((worker) => !run.refused.has(worker));
      if (at < 0) break;
      assign(turn, free.splice(at, 1)[0]!, run.name);
    }
  }
}

const idle = (state: DispatcherState): readonly string[] =>
  inOrder(state.workers, ({ kind }) => kind === 'idle');

/** Hands a worker over to a run: its machine hears the worker's hello. */
export function assign(turn: Turn, worker: string, run: string): void {
  put(turn, worker, { kind: 'serving', run, isWelcome: false });
  log(turn, { type: 'assigned', worker, run });
  const { hello } = turn.state.workers.get(worker)!;
  deliver(turn, run, { type: 'message', worker, message: hello });
}

function takeForWaiting(turn: Turn): void {
  const coming = [...inOrder(turn.state.workers, ({ kind }) => kind === 'leaving')];
  for (const { name, servers, refused } of openRuns(turn.state)) {
    if (servers.length > 0) continue;
    const at = coming.findIndex((worker) => !refused.has(worker));
    if (at >= 0) coming.splice(at, 1);
    else takeFor(turn, name, refused);
  }
}

function takeFor(turn: Turn, waiting: string, refused: ReadonlySet<string>) {
  const donors = openRuns(turn.state)
    .filter(({ name, servers }) => name !== waiting && servers.length > 1)
    .sort((one, other) => other.servers.length - one.servers.length || other.order - one.order);
  for (const { name, servers } of donors) {
    const worker = servers.findLast((one) => !refused.has(one));
    if (worker === undefined) continue;
    log(turn, { type: 'moved', worker, from: name });
    return takeFrom(turn, worker, name);
  }
}

/** Has a worker leave a run. */
export function sendAway(turn: Turn, worker: string, run: string): void {
  put(turn, worker, { kind: 'leaving', run });
  send(turn, worker, { type: 'release', run });
}

/** Has a worker leave a run that goes on: its machine sees what it sees of any worker that leaves. */
export function takeFrom(turn: Turn, worker: string, run: string): void {
  sendAway(turn, worker, run);
  deliver(turn, run, { type: 'message', worker, message: { type: 'leave' } });
}

/** Rule 4. Called at every tick. */
export function joinRunning(turn: Turn): void {
  const { isClosing, ranMs, config } = turn.state;
  if (isClosing) return;
  for (const worker of idle(turn.state)) {
    const { place } = turn.state.workers.get(worker)!;
    if (place.kind !== 'idle' || ranMs - place.sinceMs < config.lingerMs) continue;
    const [first] = openRuns(turn.state)
      .filter((run) => run.remaining > 0 && run.servers.length < mostWorkers(run))
      .filter(({ refused }) => !refused.has(worker))
      .sort(byNeed);
    if (first !== undefined) assign(turn, worker, first.name);
  }
}

/** The run with most work for each of its workers comes first, by cross-multiplication; then the lower order. */
function byNeed(one: Open, other: Open): number {
  const difference = one.servers.length * other.remaining - other.servers.length * one.remaining;
  return difference || one.order - other.order;
}
