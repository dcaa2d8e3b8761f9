/**
 * How a member of a generation comes to the agreed state: from the seed, from a checkpoint, or as a snapshot from a peer. Every
 * way fills the spare copy of the replica. The same object serves snapshots to peers.
 */
import { fetchSnapshot, type Header, type SnapshotFetch, sendSnapshot } from '@lockstep/collectives';
import { toWireError } from '@lockstep/errors';
import { joinFrames, type WorkerEffect, type WorkerEvent } from '@lockstep/protocol';
import { initialProgress, otherCopy, type Progress } from '@lockstep/run';
import type { Mesh } from '@lockstep/transport';
import type { Logger } from 'pino';
import type { Pool } from '../compute/pool.ts';
import type { Group } from '../network/invitations.ts';
import type { JobQueue } from '../run/job-queue.ts';
import type { Replica } from '../run/replica.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;

export interface StateTransfersOptions {
  readonly group: Group;
  readonly replica: Replica;
  /** Behind the job that configures the generation, which attaches the replica to its memory. */
  readonly jobs: Pick<JobQueue, 'add'>;
  readonly pool: Pick<Pool, 'runFirst'>;
  readonly mesh: Pick<Mesh, 'sendOwned'>;
  readonly log: Logger;
  /** Requests for this generation's state that came before it was entered. */
  readonly requests: readonly Header[];
  raise(event: WorkerEvent): void;
}

export interface StateTransfers {
  /** Makes the state of step 0 from the seed. */
  initialise(): void;
  fetch(effect: Effect<'fetchSnapshot'>): void;
  /** @param frames those of the checkpoint's file */
  restore(effect: Effect<'restore'>, frames: readonly Uint8Array[]): void;
  /** Answers the requests for the current state that have come, and those that come until `endService`. */
  serve(effect: Effect<'serveSnapshot'>): void;
  /** Ends the service before an update writes over the state. All members have the state by then. */
  endService(): void;
  /** Takes a frame of a snapshot, or a request for one. */
  receive(header: Header, payload: Uint8Array): void;
  /** Ends transfers to this worker: the spare copy is not filled any more. */
  abort(): void;
}

/** A bound against damaged manifests. */
const maxSnapshotBytes = 64 * 2 ** 30;

/** A member fetches the state once a generation. */
const onlyTransfer = 1;

export function createStateTransfers(options: StateTransfersOptions): StateTransfers {
  const { group, replica, jobs, pool, mesh, log, raise } = options;
  const { generation, run, rank, members } = group;
  let fetching: SnapshotFetch | undefined;
  let isAborted = false;
  let servedStep: number | undefined;
  /** Wait for the service to begin. */
  let requests = options.requests;

  const fillSpare = (step: number, fill: () => void): void =>
    jobs.add(() => {
      if (isAborted) return;
      fill();
      raise({ type: 'stateReady', generation, step });
    });
  const answer = (request: Header): void => {
    const requester = members[request.rank];
    if (requester === undefined) return;
    const snapshot = servedStep === undefined ? undefined : { step: servedStep, entries: replica.snapshot() };
    sendSnapshot(
      request,
      rank,
      snapshot,
      (header, payload) => void mesh.sendOwned(requester.worker, [header, payload]),
    );
  };

  return {
    initialise: () =>
      jobs.add(async () => {
        await pool.runFirst({ order: 'initialize', copy: otherCopy(replica.copy) });
        replica.filled(initialProgress);
        raise({ type: 'stateReady', generation, step: 0 });
      }),
    fetch({ step, from }) {
      const giveUp = (): void => raise({ type: 'peerLost', generation, peer: from });
      fetching = fetchSnapshot({
        ...{ run, generation, rank, transfer: onlyTransfer, maxBytes: maxSnapshotBytes },
        from: members.findIndex(({ worker }) => worker === from),
        send: (header, payload) => void mesh.sendOwned(from, [header, payload]),
        onDone: (snapshot) => {
          if (snapshot.step !== step) giveUp();
          else fillSpare(step, () => replica.acceptSnapshot(snapshot.entries));
        },
        onFailed: (error) => {
          log.warn({ error: toWireError(error) }, 'snapshot failed');
          giveUp();
        },
      });
    },
    restore({ step, header }, frames) {
      const file = joinFrames(frames);
      const { progress = initialProgress } = header as { readonly progress?: Progress };
      fillSpare(step, () => replica.decode(file, progress));
    },
    serve({ step }) {
      servedStep = step;
      const waiting = requests;
      requests = [];
      jobs.add(() => waiting.forEach(answer));
    },
    endService() {
      servedStep = undefined;
    },
    receive(header, payload) {
      if (header.kind !== 'snapshot-request') fetching?.receive(header, payload);
      else if (servedStep !== undefined) answer(header);
      else requests = [...requests, header];
    },
    abort() {
      isAborted = true;
      fetching?.abort();
    },
  };
}
