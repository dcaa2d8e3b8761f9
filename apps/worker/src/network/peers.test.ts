import type { Member } from '@lockstep/protocol';
import { expect, it } from 'vitest';
import { createPeers } from './peers.ts';

const members = (...workers: string[]): Member[] =>
  workers.map((worker, rank) => ({
    worker,
    rank,
    endpoint: `tcp://${worker}`,
    shards: { start: rank, count: 1 },
  }));

it('keeps connections between successive members, opens new ones and closes the others', () => {
  const calls: string[] = [];
  const mesh = {
    connect: (peer: string, endpoint: string) => void calls.push(`connect ${peer} ${endpoint}`),
    disconnect: (peer: string) => void calls.push(`disconnect ${peer}`),
  };
  const peers = createPeers(mesh, 'a');
  const meet = (...workers: string[]): string[] => {
    peers.meet(members(...workers));
    return calls.splice(0);
  };
  expect(meet('a', 'b', 'c')).toEqual(['connect b tcp://b', 'connect c tcp://c']);
  expect(meet('b', 'a')).toEqual(['disconnect c']);
  expect(meet('a', 'b', 'c')).toEqual(['connect c tcp://c']);
  peers.lost('b');
  expect(meet('a', 'b', 'c')).toEqual(['connect b tcp://b']);
});
