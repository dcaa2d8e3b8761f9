/**
 * One agreed membership, as one member works in it: opened by `connect`, aborted when it must not wait for anyone any more, closed
 * when the next one opens or the worker ends. Nothing of a generation outlives its object.
 */
import { alignedSubtrees, defaultChunkRules, type Header, outboxBytes, runHash } from '@lockstep/collectives';
import type { WorkerEffect } from '@lockstep/protocol';
import { createReductions, type Reductions } from '../exchange/reductions.ts';
import type { Group } from '../network/invitations.ts';
import { isOfSnapshot } from '../run/early-frames.ts';
import type { Run } from '../run/run.ts';
import { createDirectSteps } from '../step/direct-steps.ts';
import { createEvaluation, type Evaluation } from '../step/evaluation.ts';
import { createMainThreadSteps } from '../step/main-thread-steps.ts';
import { chooseByStep, type StepRunner, type TrainingJob } from '../step/step-runner.ts';
import { createTraining, type Training } from '../step/training.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { createStateTransfers, type StateTransfers } from './state-transfers.ts';
import { isOneHost, threadGroup } from './thread-group.ts';

export type Connect = Extract<WorkerEffect, { type: 'connect' }>;

export interface Generation {
  readonly number: number;
  readonly profile: string;
  readonly transfers: StateTransfers;
  readonly training: Training;
  readonly evaluation: Evaluation;
  hasMember(worker: string): boolean;
  /** Takes a peer's frame of an exchange or of a snapshot, of this generation or of one that peers have entered before us. */
  receive(header: Header, payload: Uint8Array): void;
  /** Drops what waits for others: an exchange, a whole step of the compute threads, a transfer of state to this worker. */
  abort(): void;
  /** Aborts it, and closes its lanes. */
  close(): void;
}

/** What a generation uses of its process. */
export type GenerationHost = Pick<
  WorkerProcess,
  | 'pool'
  | 'mesh'
  | 'peers'
  | 'lanes'
  | 'threadInvitations'
  | 'combine'
  | 'hooks'
  | 'tracer'
  | 'log'
  | 'raise'
  | 'fail'
>;

/** Meets the members, and lays out memory and threads for this worker's shards: other jobs of the generation follow that one. */
export function openGeneration(host: GenerationHost, run: Run, effect: Connect): Generation {
  const { generation, incarnation, rank, members, profile } = effect;
  const { pool, peers, lanes, threadInvitations, hooks, tracer } = host;
  const group: Group = { generation, run: runHash(run.name, incarnation), rank, members };
  peers.meet(members);
  // Hooks put faults into what the main thread does.
  const hasHooks = Object.keys(hooks).length > 0;
  const threads = hasHooks ? undefined : threadGroup(group, run, tracer.isEnabled);
  const reductions = openReductions(host, run, group, threads !== undefined);
  const transfers = createStateTransfers({
    ...{ ...host, group, replica: run.replica, jobs: run.jobs },
    requests: run.early.takeRequests(generation),
  });
  let isAborted = false;
  const runner = createRunner(host, run, { group, reductions, isAborted: () => isAborted });
  run.jobs.add(async () => {
    const invitation = await run.memory.configure(members[rank]!.shards, profile, threads);
    if (invitation === undefined || isAborted) return;
    threadInvitations.open(group, invitation, (peer, theirs) =>
      pool.invite({ generation, rank: peer, invitation: theirs }),
    );
  });
  const abort = (): void => {
    if (isAborted) return;
    isAborted = true;
    transfers.abort();
    reductions.abort();
    pool.abortStep();
  };
  return {
    number: generation,
    profile,
    transfers,
    training: createTraining({ ...host, group, run, runner, beforeUpdate: transfers.endService }),
    evaluation: createEvaluation({ ...host, group, run, reductions }),
    hasMember: (worker) => members.some((member) => member.worker === worker),
    receive(header, payload) {
      if (!isOfSnapshot(header)) reductions.receive(header, payload);
      else if (header.generation > generation) run.early.put(header, payload);
      else if (header.generation === generation) transfers.receive(header, payload);
    },
    abort,
    close() {
      abort();
      threadInvitations.close();
      lanes.close();
    },
  };
}

/** @param isDirect whether the compute threads will exchange training steps where all members are on one host */
function openReductions(host: GenerationHost, run: Run, group: Group, isDirect: boolean): Reductions {
  const { pool, lanes, combine, hooks, tracer, log } = host;
  const { members, rank } = group;
  const { sizes, config, early } = run;
  const largest =
    isDirect && isOneHost(members)
      ? sizes.evaluationBytes
      : Math.max(sizes.largestBytes, sizes.evaluationBytes);
  const numNodes = alignedSubtrees(members[rank]!.shards).length;
  const reductions: Reductions = (hooks.createReductions ?? createReductions)({
    ...group,
    ranges: members.map(({ shards }) => shards),
    numShards: config.numShards,
    combine,
    link: lanes.open({
      ...group,
      outboxBytes: outboxBytes(largest, numNodes, defaultChunkRules),
      numThreads: pool.numThreads,
      onBell: () => reductions.look(),
    }),
    held: early.held,
    canExchangeDirectly: () => pool.reachesAll,
    onBucket: tracer.exchanged,
    onRejected: (reason, header) => log.warn({ reason, header }, 'dropped a frame'),
    onFault: (fault) => log.warn({ fault }, 'dropped a frame'),
  });
  return reductions;
}

interface RunnerParts {
  readonly group: Group;
  readonly reductions: Reductions;
  readonly isAborted: () => boolean;
}

function createRunner(
  host: GenerationHost,
  { jobs, memory, replica, schedule }: Run,
  { group, reductions, isAborted }: RunnerParts,
): StepRunner {
  const jobOf = (step: number): TrainingJob => {
    // An evaluation uses the room of the next step's batch, and no step follows the last one.
    const { evaluate, last } = schedule.at(step);
    return { step, copy: replica.copy, ...(evaluate || last ? {} : { nextStep: step + 1 }) };
  };
  const { generation } = group;
  return chooseByStep(
    {
      direct: createDirectSteps({ ...host, generation, jobs, isAborted, jobOf }),
      mainThread: createMainThreadSteps({ ...host, jobs, reductions, bucketsOf: memory.buckets, jobOf }),
    },
    reductions.isDirect,
  );
}
