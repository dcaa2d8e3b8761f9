/** How state travels: snapshots between peers, checkpoints to the coordinator and back. What arrives fills the spare copy. */
import { fetchSnapshot, type Header, type SnapshotFetch, sendSnapshot } from '@lockstep/collectives';
import { formOfDataset } from '@lockstep/data';
import { toWireError } from '@lockstep/errors';
import {
  cutFrames,
  joinFrames,
  type Member,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerMessage,
} from '@lockstep/protocol';
import { initialProgress, type Progress } from '@lockstep/run';
import type { Mesh } from '@lockstep/transport';
import type { Logger } from 'pino';
import type { Reductions } from './reductions.ts';
import type { Session } from './session.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;

/** The generation this worker is a member of. */
export interface Membership {
  readonly generation: number;
  readonly run: number;
  readonly rank: number;
  readonly members: readonly Member[];
  readonly reductions: Reductions;
  readonly profile: string;
  /** Nothing of it is finished any more. */
  readonly isAborted: boolean;
}

export interface StateTransfersContext {
  readonly mesh: Mesh;
  readonly log: Logger;
  send(message: WorkerMessage, frames?: readonly Uint8Array[]): void;
  rawFrames(): readonly Uint8Array[];
  raise(event: WorkerEvent): void;
  loaded(): Session;
  joined(): Membership;
  /** Runs a job behind those before it. */
  enqueue(job: () => void): void;
}

export interface StateTransfers {
  /** A generation begins: nothing is served until told, and requests of earlier ones are forgotten. */
  enter(generation: number): void;
  fetch(effect: Effect<'fetchSnapshot'>): void;
  serve(effect: Effect<'serveSnapshot'>): void;
  /** An update is about to write over the state that was served. All members have it by then. */
  endService(): void;
  restore(effect: Effect<'restore'>): void;
  checkpoint(effect: Effect<'checkpoint'>): void;
  /** What is under way in this generation must not touch the spare copy any more. */
  abort(generation: number): void;
  /** Takes a frame of a snapshot. */
  receive(header: Header, payload: Uint8Array): void;
}

/** No snapshot is larger: a bound against damaged manifests, not a wish. */
const maxSnapshotBytes = 64 * 2 ** 30;

export function createStateTransfers(context: StateTransfersContext): StateTransfers {
  const { mesh, log, raise, loaded, joined, enqueue } = context;
  let fetching: SnapshotFetch | undefined;
  let numTransfers = 0;
  /** The state peers may fetch, and requests that came before it may be served. */
  let serving: { readonly generation: number; readonly step: number } | undefined;
  let requests: Header[] = [];
  let abortedGeneration = -1;

  /** Fills the spare copy behind the generation's configuration, which attaches the replica to its memory. */
  const fillSpare = (generation: number, step: number, fill: () => void): void =>
    enqueue(() => {
      if (generation <= abortedGeneration) return;
      fill();
      raise({ type: 'stateReady', generation, step });
    });

  const answer = (request: Header): void => {
    const { members, rank, generation } = joined();
    const requester = members[request.rank];
    if (request.generation !== generation || requester === undefined) return;
    const snapshot = serving && { step: serving.step, entries: loaded().replica.snapshot() };
    sendSnapshot(
      request,
      rank,
      snapshot,
      (header, payload) => void mesh.sendOwned(requester.worker, [header, payload]),
    );
  };

  return {
    enter(generation) {
      serving = undefined;
      requests = requests.filter((request) => request.generation >= generation);
    },
    fetch({ generation, step, from }) {
      const { members, run, rank } = joined();
      const giveUp = (): void => raise({ type: 'peerLost', generation, peer: from });
      fetching = fetchSnapshot({
        run,
        generation,
        rank,
        from: members.findIndex((member) => member.worker === from),
        transfer: ++numTransfers,
        maxBytes: maxSnapshotBytes,
        send: (header, payload) => void mesh.sendOwned(from, [header, payload]),
        onDone: (snapshot) => {
          if (snapshot.step !== step) giveUp();
          else fillSpare(generation, step, () => loaded().replica.acceptSnapshot(snapshot.entries));
        },
        onFailed: (error) => {
          log.warn({ error: toWireError(error) }, 'snapshot failed');
          giveUp();
        },
      });
    },
    serve(state) {
      serving = state;
      const waiting = requests;
      requests = [];
      enqueue(() => waiting.forEach(answer));
    },
    endService() {
      serving = undefined;
    },
    restore({ generation, step, header }) {
      const file = joinFrames(context.rawFrames());
      const { progress = initialProgress } = header as { readonly progress?: Progress };
      fillSpare(generation, step, () => loaded().replica.decode(file, progress));
    },
    checkpoint({ step }) {
      const { replica, config, dataset } = loaded();
      const { profile } = joined();
      const { seed } = config;
      const fingerprint = replica.fingerprint();
      // Not in the header, which is a part of a message and bounded: a column of words may have many levels.
      const data = JSON.stringify(formOfDataset(dataset));
      const metadata = { step: String(step), seed: String(seed), profile, fingerprint, data };
      const frames = cutFrames(replica.encode(metadata));
      const header = { step, seed, profile, fingerprint, progress: replica.progress };
      const lengths = frames.map((frame) => frame.byteLength);
      context.send({ type: 'checkpoint', step, header, frames: lengths }, frames);
    },
    abort(generation) {
      abortedGeneration = generation;
      fetching?.abort();
    },
    receive(header, payload) {
      if (header.kind !== 'snapshot-request') fetching?.receive(header, payload);
      else if (serving?.generation === header.generation) answer(header);
      else requests.push(header);
    },
  };
}
