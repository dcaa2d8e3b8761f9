/** For how long a worker's state can be fetched, and what fills the spare copy. */
import { decodeHeader, fetchSnapshot, type Header } from '@lockstep/collectives';
import { LockstepError } from '@lockstep/errors';
import type { WorkerEvent } from '@lockstep/protocol';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Group } from '../network/invitations.ts';
import type { Replica } from '../run/replica.ts';
import { createStateTransfers } from './state-transfers.ts';

const members = ['a', 'b'].map((worker, rank) => ({
  ...{ worker, rank, endpoint: `sim://${worker}` },
  shards: { start: rank, count: 1 },
}));

const unused = (): never => {
  throw new LockstepError('internal', 'not part of this test');
};

/** Rank b's request for the state of generation 3. */
function requestOf(): Header {
  const headers: Header[] = [];
  fetchSnapshot({
    ...{ run: 1, generation: 3, rank: 1, from: 0, transfer: 1, maxBytes: 1000 },
    send: (head) => {
      const decoded = decodeHeader(head, 0);
      if (decoded.ok) headers.push(decoded.header);
    },
    onDone: unused,
    onFailed: unused,
  });
  return headers[0]!;
}

const empty = new Uint8Array(0);
const parts = [{ name: 'w', bytes: Uint8Array.of(1) }];

/** The transfers of rank a, or of rank b, in generation 3. `early`: requests that came before it. */
function transfersOf(rank: number, early: readonly Header[] = []) {
  const sent: { readonly header: Header; readonly payload: Uint8Array }[] = [];
  const events: WorkerEvent[] = [];
  const accepted: unknown[] = [];
  const jobs: (() => void)[] = [];
  const group: Group = { generation: 3, run: 1, rank, members };
  const replica: Pick<Replica, 'snapshot' | 'acceptSnapshot'> = {
    snapshot: () => parts,
    acceptSnapshot: (given) => void accepted.push(given),
  };
  const transfers = createStateTransfers({
    group,
    replica: replica as Replica,
    requests: early,
    mesh: {
      sendOwned(_peer, [head, payload]) {
        const decoded = decodeHeader(head!, payload!.byteLength);
        if (decoded.ok) sent.push({ header: decoded.header, payload: payload! });
        return decoded.ok;
      },
    },
    log: pino({ level: 'silent' }),
    pool: { runFirst: unused },
    raise: (event) => void events.push(event),
    jobs: { add: (job) => void jobs.push(() => void job()) },
  });
  const runJobs = (): void => jobs.splice(0).forEach((job) => void job());
  return { transfers, sent, events, accepted, runJobs, kinds: () => sent.map(({ header }) => header.kind) };
}

const whole = ['snapshot-manifest', 'snapshot-data', 'snapshot-end'];
const serve = { type: 'serveSnapshot', generation: 3, step: 7 } as const;

it('is served to those who asked before too, until an update begins', () => {
  const { transfers, kinds, runJobs } = transfersOf(0, [requestOf()]);
  transfers.receive(requestOf(), empty);
  runJobs();
  expect(kinds()).toEqual([]);
  transfers.serve(serve);
  // Behind the job that attaches the replica to its memory.
  expect(kinds()).toEqual([]);
  runJobs();
  expect(kinds()).toEqual([...whole, ...whole]);
  transfers.receive(requestOf(), empty);
  expect(kinds()).toHaveLength(3 * whole.length);
  transfers.endService();
  transfers.receive(requestOf(), empty);
  expect(kinds()).toHaveLength(3 * whole.length);
});

/** What a holder answers to `b`'s request, when it serves the state of `step`. */
function answerOf(request: Header, step: number) {
  const { transfers, sent, runJobs } = transfersOf(0);
  transfers.serve({ ...serve, step });
  runJobs();
  transfers.receive(request, empty);
  return sent;
}

it('fills the spare copy in a job of its own, and not after an abort', () => {
  for (const isAborted of [false, true]) {
    const { transfers, sent, accepted, events, runJobs } = transfersOf(1);
    transfers.fetch({ type: 'fetchSnapshot', generation: 3, step: 7, from: 'a' });
    for (const { header, payload } of answerOf(sent[0]!.header, 7)) transfers.receive(header, payload);
    expect(accepted).toEqual([]);
    if (isAborted) transfers.abort();
    runJobs();
    expect(accepted).toHaveLength(isAborted ? 0 : 1);
    expect(events).toEqual(isAborted ? [] : [{ type: 'stateReady', generation: 3, step: 7 }]);
  }
});

it('takes a snapshot of another step for a lost link', () => {
  const { transfers, sent, events, accepted, runJobs } = transfersOf(1);
  transfers.fetch({ type: 'fetchSnapshot', generation: 3, step: 7, from: 'a' });
  for (const { header, payload } of answerOf(sent[0]!.header, 8)) transfers.receive(header, payload);
  runJobs();
  expect([accepted, events]).toEqual([[], [{ type: 'peerLost', generation: 3, peer: 'a' }]]);
});
