/** Admits workers or refuses them, by their hello and hashes. */

import { WELCOME_RETRY_MS } from '../constants.ts';
import type { Hello, RefusalCode, WorkerMessage } from '../messages/messages.ts';
import { type Difference, differs, machineDifference, profileDifference } from './differences.ts';
import { admit, lose } from './generations.ts';
import { chooseProfile } from './profile.ts';
import { comparePrograms, programsDiffer } from './programs.ts';
import type { CoordinatorState } from './state.ts';
import {
  journal,
  log,
  newcomer,
  refuse,
  send,
  stopAwaiting,
  type Turn,
  update,
  updateWorker,
} from './turn.ts';
import { beginIfGathered, expectFewer, hasGathered } from './waiting.ts';

type Loaded = Extract<WorkerMessage, { type: 'loaded' }>;

export function welcome(turn: Turn, hello: Hello) {
  const { worker } = hello;
  const known = turn.state.workers.get(worker);
  if (known?.status === 'loading') return repeated(turn, worker);
  if (known !== undefined) lose(turn, worker, 'restarted');
  const difference = differenceOf(turn.state, hello);
  if (difference !== null) return refuse(turn, worker, difference.code, difference.message);
  update(turn, { workers: new Map(turn.state.workers).set(worker, newcomer(hello, turn.state.ranMs)) });
  sendWelcome(turn, worker);
  log(turn, { type: 'joined', worker, host: hello.host, pid: hello.pid, threads: hello.threads });
}

/**
 * The worker repeated its hello before the answer arrived. The answer may be on its way, or lost with a connection that was replaced.
 * In a pool the worker may also have been in another run and have ignored the answer. It ignores a second one.
 */
function repeated(turn: Turn, worker: string): void {
  const { ranMs, workers, config } = turn.state;
  updateWorker(turn, worker, { lastHeardMs: ranMs });
  if (config.pooled || ranMs - workers.get(worker)!.welcomedMs >= WELCOME_RETRY_MS) sendWelcome(turn, worker);
}

function sendWelcome(turn: Turn, worker: string): void {
  updateWorker(turn, worker, { welcomedMs: turn.state.ranMs });
  const { run, incarnation, config, experiment, heartbeatMs, livenessMs, bundleBytes, pooled } =
    turn.state.config;
  send(turn, worker, {
    type: 'welcome',
    run,
    incarnation,
    config,
    experiment,
    heartbeatMs,
    livenessMs,
    step: turn.state.progressStep,
    frames: [bundleBytes],
    ...(pooled && { pooled }),
  });
}

/** The first difference for which a worker is refused, or null. */
function differenceOf({ config, profile, dataHash }: CoordinatorState, hello: Hello): Difference | null {
  const ofMachine = machineDifference(config, hello);
  if (ofMachine !== null) return ofMachine;
  const { experimentHash, dataHash: ownData } = hello;
  if (experimentHash !== undefined && experimentHash !== config.experiment.hash) {
    return differs('experiment', experimentHash, config.experiment.hash, 'start it without a file');
  }
  if (ownData !== undefined && dataHash !== null && ownData !== dataHash) {
    return differs('data', ownData, dataHash, 'give it the same files');
  }
  return profileDifference(profile ?? config.profile, hello);
}

/** A worker has read the experiment and its data. */
export function loaded(turn: Turn, worker: string, { dataHash, programs }: Loaded) {
  const record = turn.state.workers.get(worker);
  if (record?.status !== 'loading') return;
  const expected = turn.state.dataHash;
  if (dataHash !== undefined && expected !== null && dataHash !== expected) {
    const message = `data differs: the worker has ${dataHash}, the run ${expected}; give it the same files`;
    return refuseDiffering(turn, worker, 'data', message);
  }
  const differing = programs === undefined ? null : comparePrograms(turn, programs);
  if (differing !== null) {
    return refuseDiffering(turn, worker, 'programs', programsDiffer(record.hello.host, differing));
  }
  if (dataHash !== undefined && expected === null) {
    update(turn, { dataHash });
    journal(turn, { type: 'data', hash: dataHash });
  }
  stopAwaiting(turn, worker);
  // Ranks follow the order of loading, so that a late worker never displaces a member.
  const workers = new Map(turn.state.workers);
  workers.delete(worker);
  update(turn, { workers: workers.set(worker, { ...record, status: 'idle' }) });
  if (hasGathered(turn.state)) chooseProfile(turn);
  if (turn.state.workers.has(worker)) admit(turn, worker);
  beginIfGathered(turn);
}

/** The worker would differ again, so the run does not wait for it. */
function refuseDiffering(turn: Turn, worker: string, code: RefusalCode, message: string): void {
  refuse(turn, worker, code, message);
  expectFewer(turn);
}
