/** Carries out what the worker's machine asks for: work for the threads, frames for peers, reports for the coordinator. */
import {
  alignedSubtrees,
  decodeHeader,
  defaultChunkRules,
  outboxBytes,
  runHash,
} from '@lockstep/collectives';
import { invariant, type LockstepError, toWireError } from '@lockstep/errors';
import { createEagerKernels } from '@lockstep/kernels';
import type { CoordinatorMessage, Exit, WorkerEffect, WorkerEvent, WorkerMessage } from '@lockstep/protocol';
import {
  afterEvaluation,
  combineWith,
  evaluationMetrics,
  extendChain,
  initialProgress,
  otherCopy,
  type RunConfig,
} from '@lockstep/run';
import type { Mesh } from '@lockstep/transport';
import type { Logger } from 'pino';
import type { Compiler } from './compiler/compiler.ts';
import type { Job } from './compute/commands.ts';
import type { Pool } from './compute/pool.ts';
import { createThreadInvitations, isOneHost, threadGroup } from './direct-steps.ts';
import type { WorkerHooks } from './hooks.ts';
import { mainLane } from './invitations.ts';
import { createLanes } from './lanes.ts';
import { createPeers } from './peers.ts';
import { createReductions, type StepTimes } from './reductions.ts';
import { openSession, type Session } from './session.ts';
import { createStateTransfers, type Membership } from './state-transfers.ts';
import { clockMs, type Tracer } from './tracer.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;

export type Welcome = Extract<CoordinatorMessage, { type: 'welcome' }>;

export interface EffectsContext {
  readonly worker: string;
  readonly compiler: Compiler;
  readonly pool: Pool;
  readonly mesh: Mesh;
  readonly log: Logger;
  readonly hooks: WorkerHooks;
  readonly tracer: Tracer;
  send(message: WorkerMessage, frames?: readonly Uint8Array[]): void;
  /** The raw frames that came with the coordinator's latest message. */
  rawFrames(): readonly Uint8Array[];
  /** What the coordinator's latest welcome said. */
  welcome(): Welcome | undefined;
  raise(event: WorkerEvent): void;
  exit(exit: Exit): void;
}

export interface Effects {
  carryOut(effect: WorkerEffect): void;
  onFrames(peer: string, frames: readonly Uint8Array[]): void;
  onPeerLost(peer: string, error: LockstepError): void;
}

export function createEffects(context: EffectsContext): Effects {
  const { compiler, pool, mesh, log, raise, hooks, worker, tracer } = context;
  const peers = createPeers(mesh, worker);
  // Who takes the place of the network, takes that of memory too.
  const lanes = createLanes(mesh, {
    isAllowed: hooks.createMesh === undefined,
    onBell: () => membership?.reductions.look(),
  });
  const invitations = createThreadInvitations(mesh, pool);
  // Faults are put into what this thread does.
  const mayBeDirect = Object.keys(hooks).length === 0;
  const combine = (hooks.combine ?? ((plain) => plain))(combineWith(createEagerKernels()));
  let session: Session | undefined;
  let membership: Membership | undefined;
  /** Jobs for the threads, one after the other. */
  let jobs: Promise<void> = Promise.resolve();
  let computeMs = 0;
  let stepStartedAt = 0;
  /** The step that the compute threads have been through by themselves, and the times of its exchanges. */
  let direct: { readonly generation: number; readonly step: number; readonly times: StepTimes } | undefined;
  let samplesDone = 0;
  let trainingMs = 0;
  let finalMetrics: Record<string, number> = {};
  let isOver = false;
  let numFailures = 0;

  const loaded = (): Session => {
    invariant(session !== undefined, 'effects come after the experiment is loaded');
    return session;
  };
  const joined = (): Membership => {
    invariant(membership !== undefined, 'work comes after a generation has begun');
    return membership;
  };
  const fail = (error: unknown): void => {
    // The threads end with the worker, whatever they were at.
    if (isOver) return;
    log.error({ error: toWireError(error) }, 'failed');
    raise({ type: 'failed', error: toWireError(error) });
  };
  /** Runs a job behind those before it, unless one of them fails: it would find their work undone. */
  const enqueue = (job: () => Promise<void> | void): void => {
    const numBefore = numFailures;
    jobs = jobs
      .then(() => (numFailures === numBefore ? job() : undefined))
      .catch((error: unknown) => {
        numFailures++;
        fail(error);
      });
  };
  const transfers = createStateTransfers({ ...context, loaded, joined, enqueue });
  const compute = async (job: Promise<number>): Promise<void> => {
    computeMs += await job;
  };

  const welcome = (): Welcome => {
    const message = context.welcome();
    invariant(message !== undefined, 'the coordinator has welcomed this worker');
    return message;
  };

  /** What a report carries of a traced run. */
  const traced = () => {
    const trace = tracer.take();
    return trace === undefined ? {} : { trace: { rank: joined().rank, ...trace } };
  };

  const load = async ({ config }: Effect<'load'>): Promise<void> => {
    const { run, trace = false } = config as { readonly run: RunConfig; readonly trace?: boolean };
    if (trace) tracer.enable();
    const [bundle] = context.rawFrames();
    invariant(bundle !== undefined, 'the bundle comes with the welcome');
    session = await openSession({ bundle, hash: welcome().experiment.hash, config: run }, compiler, pool);
    raise({ type: 'loaded', program: session.outline });
  };

  const connect = (effect: Effect<'connect'>): void => {
    const { generation, incarnation, rank, members, profile } = effect;
    peers.meet(members);
    const run = runHash(welcome().run, incarnation);
    const { config, held, largestExchange, evaluationBytes } = loaded();
    const group = { generation, run, rank, members };
    const threads = mayBeDirect ? threadGroup(group, loaded(), tracer.isEnabled) : undefined;
    const largest =
      threads !== undefined && isOneHost(members)
        ? evaluationBytes
        : Math.max(largestExchange, evaluationBytes);
    const numNodes = alignedSubtrees(members[rank]!.shards).length;
    membership?.reductions.abort();
    invitations.close();
    const reductions = (hooks.createReductions ?? createReductions)({
      generation,
      run,
      rank,
      ranges: members.map(({ shards }) => shards),
      numShards: config.numShards,
      combine,
      link: lanes.enter({
        generation,
        run,
        rank,
        members,
        outboxBytes: outboxBytes(largest, numNodes, defaultChunkRules),
        numThreads: pool.numThreads,
      }),
      held,
      canBeDirect: () => threads !== undefined && pool.reachesAll,
      onBucket: tracer.exchanged,
      onRejected: (reason, header) => log.warn({ reason, header }, 'dropped a frame'),
      onFault: (fault) => log.warn({ fault }, 'dropped a frame'),
    });
    membership = { generation, run, rank, members, reductions, profile, isAborted: false };
    transfers.enter(generation);
    enqueue(async () => {
      const invitation = await loaded().configure(members[rank]!.shards, profile, threads);
      if (invitation !== undefined && membership?.generation === generation) {
        invitations.opened(group, invitation);
      }
    });
  };

  const runSegment = ({ step, segment }: Effect<'runSegment'>): void => {
    const done = (): void => raise({ type: 'segmentDone' });
    const run = async (): Promise<void> => {
      const { reductions, isAborted } = joined();
      if (segment === 0) {
        stepStartedAt = clockMs();
        computeMs = 0;
        reductions.takeTimes();
      }
      const { copy } = loaded().replica;
      // What an evaluation reads takes the place of a batch that is loaded before it.
      const { evaluate, last } = loaded().schedule.at(step);
      const job = { step, copy, ...(evaluate || last ? {} : { nextStep: step + 1 }) };
      if (segment > 0 || !reductions.isDirect(step)) {
        await compute(pool.runAll({ ...job, order: 'segment', segment }, startEarly(step, segment)));
      } else if (!isAborted) {
        await runStep({ ...job, order: 'step' });
      }
      done();
    };
    if (isThrough(step)) done();
    else enqueue(run);
  };

  /** Runs all segments and the exchanges between them. The machine then hears of one after the other. */
  const runStep = async (job: Job & { readonly order: 'step'; readonly step: number }): Promise<void> => {
    const { generation } = joined();
    if (direct?.generation !== generation)
      log.info({ generation, step: job.step }, 'steps are exchanged directly');
    const { isComplete, computeMs: ms, times, buckets = [] } = await pool.runStep(job);
    computeMs += ms;
    buckets.forEach(tracer.exchanged);
    direct = isComplete && times !== undefined ? { generation, step: job.step, times } : undefined;
  };

  /** Whether the compute threads are through this step already. */
  const isThrough = (step: number): boolean =>
    direct !== undefined && direct.step === step && direct.generation === joined().generation;

  /** Sends off the buckets of a segment's exchange that stand before it ends. */
  const startEarly = (step: number, segment: number): ((numBuckets: number) => void) => {
    const { reductions } = joined();
    const buckets = loaded().buckets(segment);
    return (numBuckets) => {
      try {
        reductions.start(step, segment, buckets, numBuckets);
      } catch (error) {
        fail(error);
      }
    };
  };

  const runExchange = ({ generation, step, exchange }: Effect<'exchange'>): void => {
    const { reductions } = joined();
    const done = (): void => raise({ type: 'exchangeDone', generation, step, exchange });
    if (isThrough(step)) done();
    else reductions.reduce(step, exchange, loaded().buckets(exchange), done);
  };

  const runUpdate = ({ step, fingerprint, careful }: Effect<'runUpdate'>): void => {
    transfers.endService();
    enqueue(async () => {
      const { replica, numOwnShards, stepMetrics, schedule } = loaded();
      const { rank, reductions } = joined();
      if (careful) replica.keep();
      const ran = await pool.runUpdate({ order: 'update', step, copy: replica.copy });
      computeMs += ran.computeMs;
      const broken = careful === true && ran.isUpdated ? replica.firstNonFinite() : undefined;
      if (broken !== undefined) {
        replica.takeBack();
        return raise({ type: 'nonFinite', found: { cause: 'update', step, what: [broken] } });
      }
      const { nonFinite } = ran;
      if (!ran.isUpdated && nonFinite !== undefined) return raise({ type: 'nonFinite', found: nonFinite });
      const value = fingerprint ? replica.fingerprint() : undefined;
      const { progress } = replica;
      const chain = value === undefined ? progress.chain : extendChain(progress.chain, step, value);
      replica.updated({ ...progress, chain });
      const stepMs = clockMs() - stepStartedAt;
      samplesDone += schedule.samplesAt(step);
      trainingMs += stepMs;
      tracer.add({
        name: `step ${step}`,
        track: 'steps',
        startMs: stepStartedAt,
        durationMs: stepMs,
        step,
      });
      const times = isThrough(step) ? direct!.times : reductions.takeTimes();
      const work = { rank, shards: numOwnShards, stepMs, computeMs, ...times };
      const { totalSteps } = schedule;
      const report = {
        ...{ metrics: stepMetrics(), chain, totalSteps, work, ...traced() },
        ...(nonFinite && { nonFinite: nonFinite.what }),
      };
      raise({ type: 'updateDone', ...(value === undefined ? {} : { fingerprint: value }), report });
    });
  };

  const runEvaluation = ({ step, final }: Effect<'runEvaluation'>): void => {
    enqueue(async () => {
      const { replica, schedule } = loaded();
      const next = final || schedule.at(step).last ? {} : { nextStep: step + 1 };
      await pool.runAll({ order: 'evaluate', step, split: splitOf(final), copy: replica.copy, ...next });
      raise({ type: 'segmentDone' });
    });
  };
  const splitOf = (final: boolean): 'validation' | 'test' =>
    final && loaded().finalSplit === 'test' ? 'test' : 'validation';

  const exchangeEvaluation = (effect: Effect<'exchangeEvaluation'>): void => {
    const { generation, step, exchange, final } = effect;
    const { programs, replica, earlyStopping, evaluationBucket } = loaded();
    const split = splitOf(final);
    const bucket = evaluationBucket(split);
    joined().reductions.reduce(step, exchange, [bucket], () => {
      const metrics = evaluationMetrics(programs.evaluationMetrics, bucket.result, split);
      if (!final) {
        replica.setProgress(afterEvaluation(replica.progress, step, metrics, earlyStopping));
      }
      const stop = replica.progress.stopped;
      if (final) finalMetrics = metrics;
      raise({ type: 'evaluationDone', generation, step, exchange, stop, report: { metrics, ...traced() } });
    });
  };

  /** A state that is not finite is told instead of being saved or given as the run's result. */
  const isSound = (step: number): boolean => {
    const { replica, nonFiniteRule } = loaded();
    const broken = nonFiniteRule === 'warn' ? undefined : replica.firstNonFinite();
    if (broken !== undefined) raise({ type: 'nonFinite', found: { cause: 'state', step, what: [broken] } });
    return broken === undefined;
  };

  const search = ({ step }: Effect<'search'>): void =>
    enqueue(async () => {
      const message = await loaded()
        .search(step)
        .catch((error: unknown) => `the operation could not be named: ${toWireError(error).message}`);
      raise({ type: 'searched', step, message });
    });

  const finish = ({ step }: Effect<'finish'>): void => {
    if (!isSound(step)) return;
    const { replica } = loaded();
    const samplesPerSecond = trainingMs === 0 ? 0 : (1000 * samplesDone) / trainingMs;
    const result = { metrics: finalMetrics, samplesPerSecond, chain: replica.progress.chain };
    raise({ type: 'finishDone', fingerprint: replica.fingerprint(), result });
  };

  const abort = ({ generation }: Effect<'abort'>): void => {
    transfers.abort(generation);
    if (membership?.generation !== generation) return;
    membership = { ...membership, isAborted: true };
    membership.reductions.abort();
    pool.abortStep();
  };

  // The inferred return type lets each case return what it calls.
  const carryOut = (effect: WorkerEffect) => {
    switch (effect.type) {
      case 'send':
        return context.send(effect.message);
      case 'load':
        return void load(effect).catch(fail);
      case 'connect':
        return connect(effect);
      case 'initialise':
        return enqueue(async () => {
          const { replica } = loaded();
          await pool.runFirst({ order: 'initialize', copy: otherCopy(replica.copy) });
          replica.filled(initialProgress);
          raise({ type: 'stateReady', generation: effect.generation, step: 0 });
        });
      case 'fetchSnapshot':
        return transfers.fetch(effect);
      case 'restore':
        return transfers.restore(effect);
      case 'serveSnapshot':
        return transfers.serve(effect);
      case 'runSegment':
        return runSegment(effect);
      case 'exchange':
        return runExchange(effect);
      case 'runUpdate':
        return runUpdate(effect);
      case 'commit':
        return loaded().replica.commit();
      case 'runEvaluation':
        return runEvaluation(effect);
      case 'exchangeEvaluation':
        return exchangeEvaluation(effect);
      case 'checkpoint':
        return isSound(effect.step) ? transfers.checkpoint(effect) : undefined;
      case 'finish':
        return finish(effect);
      case 'search':
        return search(effect);
      case 'abort':
        return abort(effect);
      case 'exit':
        isOver = true;
        if (membership !== undefined) membership = { ...membership, isAborted: true };
        pool.abortStep();
        lanes.close();
        invitations.close();
        // A job under way must end before its threads do.
        return void jobs.then(() => context.exit(effect));
      default:
        effect satisfies never;
    }
  };

  return {
    carryOut,
    onPeerLost: (peer, error) => {
      peers.lost(peer);
      // Peers that are told to stop go at once, and this worker may be told a little later.
      log.info({ peer, error: toWireError(error) }, 'peer lost');
      if (membership?.members.some((member) => member.worker === peer)) {
        raise({ type: 'peerLost', generation: membership.generation, peer });
      }
    },
    onFrames: (peer, [head = new Uint8Array(0), payload = new Uint8Array(0)]) => {
      const decoded = decodeHeader(head, payload.byteLength);
      if (!decoded.ok) return log.warn({ peer, fault: decoded.fault }, 'dropped a frame');
      const { header } = decoded;
      if (header.kind.startsWith('snapshot-')) {
        transfers.receive(header, payload);
      } else if (header.kind === 'lane-invitation') {
        (header.frameId === mainLane ? lanes.invited : invitations.came)(peer, header, payload);
      } else if (membership === undefined) {
        // Before the experiment is loaded no peer knows of this worker.
        session?.held.put(header, payload);
      } else {
        membership.reductions.receive(header, payload);
      }
    },
  };
}
