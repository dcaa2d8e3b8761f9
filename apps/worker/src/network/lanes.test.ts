import { decodeHeader, encodeHeader, type Header } from '@lockstep/collectives';
import { sharedMemory } from '@lockstep/lanes';
import type { Member } from '@lockstep/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLanes, type GenerationLink, type Lanes } from './lanes.ts';

const names = ['a', 'b'] as const;
const members: readonly Member[] = names.map((worker, rank) => ({
  worker,
  rank,
  endpoint: `tcp://${worker}`,
  shards: { start: rank, count: 1 },
}));

interface Station {
  readonly lanes: Lanes;
  enter(generation: number): GenerationLink;
  /** Headers and payloads that came over the network. */
  readonly overNetwork: string[];
  look(link: GenerationLink): string[];
  /** Resolves when the bell rings. */
  readonly rung: Promise<void>;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Two workers with a network that delivers at once. Invitations take the same way as in a worker. */
function stations(): [Station, Station] {
  const made: Station[] = [];
  for (const [rank, name] of names.entries()) {
    const overNetwork: string[] = [];
    let ring = (): void => {};
    const rung = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const receive = (to: Station, header: Uint8Array, payload: Uint8Array): void => {
      const decoded = decodeHeader(header, payload.length);
      if (decoded.ok) to.lanes.receive(name, decoded.header, payload);
      else to.overNetwork.push(`${text(header)} ${text(payload)}`);
    };
    const sendOwned = (peer: string, [header, payload]: readonly Uint8Array[]): boolean => {
      receive(made[names.indexOf(peer as 'a')]!, header!, payload!);
      return true;
    };
    const lanes = createLanes({ sendOwned }, true);
    onTestFinished(() => lanes.close());
    made.push({
      lanes,
      overNetwork,
      rung,
      enter: (generation) =>
        lanes.open({
          ...{ generation, run: 7, rank, members, outboxBytes: 1024, numThreads: 1 },
          onBell: () => ring(),
        }),
      look(link) {
        const seen: string[] = [];
        link.look(
          (header, payload) => seen.push(`${text(header)} ${text(payload)}`),
          () => false,
        );
        return seen;
      },
    });
  }
  return made as [Station, Station];
}

function post(link: GenerationLink, toRank: number, message: string): void {
  link.outbox.set(Buffer.from(message));
  link.send(toRank, Buffer.from('head'), link.outbox.subarray(0, message.length));
}

describe.skipIf(!sharedMemory().available)('lanes', () => {
  it('carry the frames of workers on one host, whichever enters first, with memory of its own for each generation', () => {
    const [a, b] = stations();
    for (const generation of [1, 2]) {
      const fromA = a.enter(generation);
      post(fromA, 1, 'early');
      const fromB = b.enter(generation);
      post(fromA, 1, 'late');
      post(fromB, 0, 'back');
      expect(b.overNetwork.splice(0)).toEqual(['head early']);
      expect([b.look(fromB), a.look(fromA)]).toEqual([['head late'], ['head back']]);
    }
  });

  it('wake a worker that has looked and found nothing', async () => {
    const [a, b] = stations();
    const [fromA, fromB] = [a.enter(1), b.enter(1)];
    expect(b.look(fromB)).toEqual([]);
    post(fromA, 1, 'wake up');
    await b.rung;
    expect(b.look(fromB)).toEqual(['head wake up']);
  });

  it('send payloads outside the outbox over the network, and ignore invitations of others', () => {
    const [a, b] = stations();
    const [fromA] = [a.enter(1), b.enter(1)];
    fromA.send(1, Buffer.from('head'), Buffer.from('own'));
    expect(b.overNetwork).toEqual(['head own']);
    const header: Header = {
      ...{ kind: 'lane-invitation', run: 8, generation: 1, rank: 1, step: 0, frameId: 0 },
      ...{ level: 0, index: 0, chunk: 0, length: 2, direct: false },
    };
    expect(decodeHeader(encodeHeader(header), 2)).toEqual({ ok: true, header });
    a.lanes.receive('b', header, Buffer.from('{}'));
    a.lanes.receive('c', { ...header, run: 7 }, Buffer.from('{}'));
    post(fromA, 1, 'still here');
    expect(b.overNetwork).toEqual(['head own']);
  });
});
