/** For how long a worker's state can be fetched. */
import { decodeHeader, fetchSnapshot, type Header } from '@lockstep/collectives';
import { LockstepError } from '@lockstep/errors';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Session } from './session.ts';
import { createStateTransfers, type Membership } from './state-transfers.ts';

const members = ['a', 'b'].map((worker, rank) => ({
  ...{ worker, rank, endpoint: `sim://${worker}` },
  shards: { start: rank, count: 1 },
}));

/** Worker a, and the kinds of the frames that it sends to b. */
function serving() {
  const sent: string[] = [];
  const parts = [{ name: 'w', bytes: Uint8Array.of(1) }];
  const unused = (): never => {
    throw new LockstepError('internal', 'not part of this test');
  };
  const transfers = createStateTransfers({
    mesh: {
      ...{ endpoint: '', connect: unused, disconnect: unused, send: unused, close: unused },
      sendOwned: (_peer: string, [head, payload]: readonly Uint8Array[]) => {
        const decoded = decodeHeader(head!, payload!.byteLength);
        sent.push(decoded.ok ? decoded.header.kind : decoded.fault);
        return true;
      },
    },
    log: pino({ level: 'silent' }),
    send: unused,
    rawFrames: () => [],
    raise: unused,
    loaded: () => ({ replica: { snapshot: () => parts } }) as unknown as Session,
    joined: () => ({ generation: 3, run: 1, rank: 0, members, profile: 'fma' }) as unknown as Membership,
    enqueue: (job) => job(),
  });
  const request = (): void => {
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
    transfers.receive(headers[0]!, new Uint8Array(0));
  };
  return { transfers, sent, request };
}

it('is served from the word on, to those who asked before too, until an update begins', () => {
  const { transfers, sent, request } = serving();
  transfers.enter(3);
  request();
  expect(sent).toEqual([]);
  transfers.serve({ type: 'serveSnapshot', generation: 3, step: 7 });
  const whole = ['snapshot-manifest', 'snapshot-data', 'snapshot-end'];
  expect(sent).toEqual(whole);
  request();
  expect(sent).toEqual([...whole, ...whole]);
  transfers.endService();
  request();
  expect(sent).toHaveLength(2 * whole.length);
});
