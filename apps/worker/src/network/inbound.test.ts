import { encodeHeader, type FrameKind } from '@lockstep/collectives';
import { LockstepError } from '@lockstep/errors';
import type { WorkerEvent } from '@lockstep/protocol';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createInbound } from './inbound.ts';
import { mainLane, threadLane } from './invitations.ts';

const empty = new Uint8Array(0);

/** A frame as peer b sends it. */
function frameOf(kind: FrameKind, frameId = 0): Uint8Array[] {
  const position = { step: 1, frameId, level: 0, index: 0, chunk: 0, direct: false };
  return [encodeHeader({ kind, run: 1, generation: 2, rank: 1, ...position, length: 0 }), empty];
}

/** Inbound frames, and who got them. */
function stage({ isLoaded = true, hasEntered = true, hasLeft = false } = {}) {
  const got: string[] = [];
  const events: WorkerEvent[] = [];
  const warnings: unknown[] = [];
  const taker = (name: string) => ({
    ...{ open: () => expect.unreachable(), close: () => undefined },
    receive: (peer: string) => void got.push(`${name} of ${peer}`),
  });
  const inbound = createInbound({
    lanes: taker('main lane'),
    threadInvitations: taker('thread lane'),
    leftRuns: { enter: () => undefined, note: () => undefined, has: () => hasLeft },
    peers: { meet: () => undefined, lost: (peer) => void got.push(`lost ${peer}`) },
    log: pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line)) }),
    raise: (event) => void events.push(event),
    early: () => (isLoaded ? { put: ({ kind }) => void got.push(`early ${kind}`) } : undefined),
    generation: () =>
      hasEntered
        ? {
            number: 2,
            hasMember: (worker) => worker === 'b',
            receive: ({ kind }) => void got.push(`generation ${kind}`),
          }
        : undefined,
  });
  return { inbound, got, events, warnings };
}

it('hands invitations to the lanes of their number, and all else to the generation', () => {
  const { inbound, got } = stage();
  inbound.onFrames('b', frameOf('lane-invitation', mainLane));
  inbound.onFrames('b', frameOf('lane-invitation', threadLane));
  inbound.onFrames('b', frameOf('partial'));
  inbound.onFrames('b', frameOf('snapshot-request'));
  expect(got).toEqual([
    'main lane of b',
    'thread lane of b',
    'generation partial',
    'generation snapshot-request',
  ]);
});

it('keeps frames that come before the first generation, and drops those that come before the experiment is loaded', () => {
  const waiting = stage({ hasEntered: false });
  waiting.inbound.onFrames('b', frameOf('partial'));
  expect(waiting.got).toEqual(['early partial']);
  const loading = stage({ isLoaded: false, hasEntered: false });
  loading.inbound.onFrames('b', frameOf('partial'));
  expect(loading.got).toEqual([]);
});

it('drops frames of a run that the worker has left, without a warning', () => {
  const { inbound, got, warnings } = stage({ hasLeft: true });
  inbound.onFrames('b', frameOf('partial'));
  inbound.onFrames('b', frameOf('lane-invitation', mainLane));
  expect([got, warnings]).toEqual([[], []]);
});

it('drops a frame without a valid header, and says so', () => {
  const { inbound, got, warnings } = stage();
  inbound.onFrames('b', [Uint8Array.of(1, 2, 3), empty]);
  inbound.onFrames('b', []);
  expect(got).toEqual([]);
  expect(warnings).toMatchObject([{ msg: 'dropped a frame' }, { msg: 'dropped a frame' }]);
});

it('tells the machine of a lost member of the generation, and of nobody else', () => {
  const { inbound, got, events } = stage();
  for (const peer of ['b', 'c']) inbound.onPeerLost(peer, new LockstepError('lost', 'gone'));
  expect(got).toEqual(['lost b', 'lost c']);
  expect(events).toEqual([{ type: 'peerLost', generation: 2, peer: 'b' }]);
});
