import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES, PROTOCOL_VERSION } from '../constants.ts';
import { createRandom } from '../simulator/random.ts';
import { decodeCoordinatorMessage, decodeWorkerMessage, encodeMessage, framesMatch } from './codec.ts';
import type { CoordinatorMessage, WorkerMessage } from './messages.ts';

const fromWorker: readonly WorkerMessage[] = [
  {
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    worker: '7b0f6c1e-3d55-4a7e-9a39-0f6f2b9f6e11',
    threads: 4,
    profiles: ['portable', 'fma'],
    endpoint: 'tcp://10.0.0.2:4100',
    host: 'node-2',
    pid: 812,
    version: '0.1.0',
    build: 'b1',
    nodeVersion: 'v20.20.2',
    experimentHash: 'e1',
  },
  { type: 'loaded', dataHash: 'd1' },
  {
    type: 'loaded',
    programs: { initialisation: 'i', step: 's', update: 'u', evaluation: 'e', settings: 'c' },
  },
  { type: 'ready', generation: 3, step: -1 },
  {
    type: 'committed',
    generation: 3,
    step: 9,
    fingerprint: 'f',
    stateHash: 's',
    report: { loss: Number.NaN, bytes: 2 ** 40 },
  },
  {
    ...{ type: 'committed', generation: 3, step: 9, report: {}, digest: '00ff00ff00ff00ff' },
    record: {
      ...{ rank: 1, shards: { start: 4, count: 3 }, form: 0xffff_ffff, names: '{}' },
      blocks: [
        { start: 4, count: 2 },
        { start: 6, count: 1 },
      ],
      digests: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    },
  },
  { type: 'evaluated', generation: 3, step: 9, final: true, report: { accuracy: 0.98 } },
  { type: 'lost', generation: 3, peer: 'w2' },
  { type: 'finished', generation: 3, step: 9, fingerprint: 'f', result: {} },
  { type: 'failed', error: { code: 'shape', message: 'matmul', facts: { left: [2, 3] }, stack: 'at loss' } },
  { type: 'checkpoint', step: 9, header: { seed: 1 }, frames: [1024, 0] },
  { type: 'nonFinite', generation: 3, found: { cause: 'step', step: 9, what: ['loss', 'gradient of w'] } },
  { type: 'searched', step: 9, message: 'log makes 1 NaN' },
  { type: 'leave' },
  { type: 'heartbeat' },
  { type: 'heartbeat', run: 'run-1' },
];

const fromCoordinator: readonly CoordinatorMessage[] = [
  {
    type: 'welcome',
    run: 'run-1',
    incarnation: 2,
    config: { seed: 1 },
    experiment: { name: 'mnist', hash: 'e1' },
    heartbeatMs: 500,
    livenessMs: 1_800,
    step: 0,
    frames: [77],
  },
  { type: 'refused', code: 'data', message: 'data differs' },
  { type: 'prepare', generation: 4 },
  {
    type: 'begin',
    generation: 4,
    profile: 'fma',
    members: [{ worker: 'w1', rank: 0, endpoint: 'tcp://a:1', shards: { start: 0, count: 8 } }],
    step: 9,
    source: { worker: 'w1' },
  },
  { type: 'restore', generation: 4, step: 9, header: {}, frames: [1024] },
  { type: 'save' },
  { type: 'prepare', generation: 4, careful: true },
  { type: 'search', step: 9 },
  { type: 'stop', reason: 'failed', message: 'matmul' },
  { type: 'release', run: 'run-1' },
  { type: 'heartbeat', step: 9 },
];

const pack = (value: unknown) => new Uint8Array(new Packr({ useRecords: false }).pack(value));

describe('messages', () => {
  it.each(fromWorker)('carry $type from a worker', (message) => {
    expect(decodeWorkerMessage(encodeMessage(message))).toEqual({ ok: true, message });
  });

  it.each(fromCoordinator)('carry $type from the coordinator', (message) => {
    expect(decodeCoordinatorMessage(encodeMessage(message))).toEqual({ ok: true, message });
  });

  it('are accepted in their own direction only', () => {
    expect(decodeCoordinatorMessage(encodeMessage({ type: 'leave' })).ok).toBe(false);
    expect(decodeWorkerMessage(encodeMessage({ type: 'save' })).ok).toBe(false);
  });

  it('are not encoded if they are too large or not plain data', () => {
    const large = { type: 'finished', generation: 1, step: 1, fingerprint: 'f' } as const;
    expect(() => encodeMessage({ ...large, result: { text: 'x'.repeat(MAX_MESSAGE_BYTES) } })).toThrow(
      /raw frames/,
    );
    expect(() => encodeMessage({ ...large, result: { when: new Date(0) } })).toThrow(/plain data/);
  });

  it('keep known fields and drop others', () => {
    const report = { constructor: 1, loss: 2 };
    const message = { type: 'committed', generation: 1, step: 1, report };
    expect(decodeWorkerMessage(pack({ ...message, colour: 'red' }))).toEqual({ ok: true, message });
  });

  it('are encoded to bytes of their own', () => {
    const first = encodeMessage({ type: 'prepare', generation: 1 });
    encodeMessage({ type: 'prepare', generation: 2 });
    expect(decodeCoordinatorMessage(first)).toEqual({
      ok: true,
      message: { type: 'prepare', generation: 1 },
    });
  });
});

describe('a bad frame', () => {
  const reasonOf = (bytes: Uint8Array) => {
    const decoded = decodeWorkerMessage(bytes);
    return decoded.ok ? 'decoded' : decoded.reason;
  };

  it('is refused by its size before it is read', () => {
    expect(reasonOf(new Uint8Array(MAX_MESSAGE_BYTES + 1))).toMatch(/more than/);
  });

  it.each([
    ['empty', []],
    ['cut short', [0x81, 0xa4, 0x74]],
    ['followed by further bytes', [0xc0, 0xc0]],
    ['of an unused type', [0xc1]],
    ['an array of 2^32 - 1 claimed elements', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map of 2^32 - 1 claimed pairs', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['a string of 4 GiB', [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ['an extension', [0xd4, 0x01, 0x00]],
    ['deeper than the bound', [...new Array<number>(40).fill(0x91), 0xc0]],
  ])('is refused without decoding when %s', (_what, bytes) => {
    expect(reasonOf(Uint8Array.from(bytes))).toBe('not one plain msgpack value');
  });

  it.each([
    ['an unknown type', { type: 'shout' }, /type/],
    ['a missing field', { type: 'ready', generation: 1 }, /step/],
    ['a field out of range', { type: 'ready', generation: -1, step: 0 }, /generation/],
    ['a fraction', { type: 'ready', generation: 1.5, step: 0 }, /generation/],
    ['an invalid name', { type: 'lost', generation: 1, peer: '../etc' }, /worker id/],
    [
      'too many frames',
      { type: 'checkpoint', step: 1, header: {}, frames: new Array(5_000).fill(-1) },
      /^frames: .*4096/,
    ],
    ['no message at all', 7, /expected/i],
    ['an array', [], /expected/i],
    ['a field that is undefined on the wire', { type: 'loaded', dataHash: null }, /dataHash/],
    [
      'an array for a record',
      { type: 'evaluated', generation: 1, step: 1, final: true, report: [] },
      /report/,
    ],
    ['bytes for a record', { type: 'checkpoint', step: 1, header: new Uint8Array(3), frames: [] }, /header/],
    ['the item of an array', { type: 'checkpoint', step: 1, header: {}, frames: [1, -1] }, /^frames\.1: /],
    ['a type that objects inherit', { type: 'constructor' }, /^type: /],
  ])('is refused with a reason that names %s', (_what, value, reason) => {
    expect(reasonOf(pack(value))).toMatch(reason);
  });

  it('is refused with the path of a nested field, from the coordinator too', () => {
    const [shards, source] = [{ start: 0, count: 0 }, { worker: '../etc' }];
    const members = [{ worker: 'w1', rank: 0, endpoint: 'tcp://a:1', shards }];
    const begin = { type: 'begin', generation: 1, profile: 'fma', step: 0 };
    expect(decodeCoordinatorMessage(pack({ ...begin, members, source: 'init' }))).toMatchObject({
      reason: expect.stringMatching(/^members\.0\.shards\.count: .*1/),
    });
    expect(decodeCoordinatorMessage(pack({ ...begin, members: [], source: 'init' }))).toMatchObject({
      reason: expect.stringMatching(/^members: /),
    });
    members[0]!.shards.count = 1;
    expect(decodeCoordinatorMessage(pack({ ...begin, members, source }))).toMatchObject({
      reason: expect.stringMatching(/^source\.worker: a worker id/),
    });
    expect(decodeCoordinatorMessage(pack({ ...begin, members, source: 'all' }))).toMatchObject({
      reason: expect.stringMatching(/^source: .*"checkpoint"/),
    });
  });

  it('is quoted only in part', () => {
    expect(reasonOf(pack({ type: 'x'.repeat(MAX_MESSAGE_BYTES / 2) })).length).toBeLessThan(1_000);
  });

  it('is refused without an exception, for any bytes', () => {
    const random = createRandom(3);
    for (let trial = 0; trial < 3_000; trial++) {
      const bytes = encodeMessage(fromWorker[random.below(fromWorker.length)]!);
      for (let flips = 1 + random.below(4); flips > 0; flips--)
        bytes[random.below(bytes.length)] = random.below(256);
      const decoded = decodeWorkerMessage(bytes.subarray(0, 1 + random.below(bytes.length)));
      expect(typeof decoded.ok).toBe('boolean');
    }
  });

  it('cannot change prototypes', () => {
    const decoded = decodeWorkerMessage(
      pack({
        type: 'finished',
        generation: 1,
        step: 1,
        fingerprint: 'f',
        result: JSON.parse('{"__proto__":{"x":1}}'),
      }),
    );
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(
      decoded.ok && decoded.message.type === 'finished' && Object.hasOwn(decoded.message.result, 'x'),
    ).toBe(false);
  });
});

describe('framesMatch', () => {
  it('compares number and lengths', () => {
    const frames = [new Uint8Array(3), new Uint8Array(0)];
    expect(framesMatch([3, 0], frames)).toBe(true);
    expect(framesMatch([3], frames)).toBe(false);
    expect(framesMatch([3, 1], frames)).toBe(false);
  });
});
