import type { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { mulberry32 } from './fixtures/cluster.ts';
import { decodeHeader, type Header } from './frame.ts';
import { fetchSnapshot, type NamedBytes, type Snapshot, sendSnapshot } from './snapshot.ts';

interface Frame {
  readonly header: Header;
  readonly payload: Uint8Array;
}

function randomBytes(size: number, seed: number): Uint8Array {
  const random = mulberry32(seed);
  return Uint8Array.from({ length: size }, random);
}

const entries: NamedBytes[] = [
  { name: 'params', bytes: randomBytes((2 << 20) + 5, 1) },
  { name: 'empty', bytes: new Uint8Array(0) },
  { name: 'optState', bytes: randomBytes(100, 2) },
];
const snapshot: Snapshot = { step: 42, entries };

/** Fetches from rank 2; `tamper` changes the frames of the answer on their way. */
function transfer(
  answer: Snapshot | undefined,
  tamper: (frames: Frame[]) => Frame[] = (frames) => frames,
  maxBytes = 2 ** 30,
) {
  const results: (Snapshot | LockstepError)[] = [];
  const frames: Frame[] = [];
  const collect = (bytes: Uint8Array, payload: Uint8Array) => {
    const decoded = decodeHeader(bytes, payload.length);
    if (decoded.ok) frames.push({ header: decoded.header, payload });
  };
  const options = { run: 7, generation: 3, rank: 0, from: 2, transfer: 11, maxBytes, send: collect };
  const put = (result: Snapshot | LockstepError) => results.push(result);
  const fetch = fetchSnapshot({ ...options, onDone: put, onFailed: put });
  const request = frames.shift()!;
  expect(request.header).toMatchObject({ kind: 'snapshot-request', rank: 0, frameId: 11 });
  sendSnapshot(request.header, 2, answer, collect);
  return { fetch, frames: tamper(frames), results };
}

/** Compares bytes as buffers, because a matcher would compare two million elements one by one. */
function expectSame(result: Snapshot | LockstepError, expected: Snapshot) {
  if (!('entries' in result)) throw result;
  const outline = ({ step, entries }: Snapshot) => ({
    step,
    entries: entries.map(({ name, bytes }) => [name, bytes.length]),
  });
  expect(outline(result)).toEqual(outline(expected));
  for (const [i, { bytes }] of result.entries.entries()) {
    expect(Buffer.from(bytes).equals(expected.entries[i]!.bytes), expected.entries[i]!.name).toBe(true);
  }
}

function deliver({ fetch, frames, results }: ReturnType<typeof transfer>) {
  for (const { header, payload } of frames) fetch.receive(header, payload);
  expect(results).toHaveLength(1);
  return results[0]!;
}

describe('a snapshot', () => {
  it('arrives complete, in chunks of at most 1 MiB', () => {
    const moved = transfer(snapshot);
    expect(moved.frames.map(({ header }) => header.kind)).toEqual([
      'snapshot-manifest',
      ...new Array<string>(4).fill('snapshot-data'),
      'snapshot-end',
    ]);
    expect(Math.max(...moved.frames.map(({ payload }) => payload.length))).toBe(1 << 20);
    expectSame(deliver(moved), snapshot);
  });

  it('may be empty', () => {
    expect(deliver(transfer({ step: 0, entries: [] }))).toEqual({ step: 0, entries: [] });
  });

  it('ignores frames that are repeated, late or from another rank', () => {
    const noisy = transfer(snapshot, (frames) =>
      frames.flatMap((frame) => {
        const others = [{ frameId: 10 }, { generation: 2 }, { rank: 1 }, { run: 8 }].map((change) => ({
          ...frame,
          header: { ...frame.header, ...change },
        }));
        const isFirst = frame === frames[0];
        return [...others, frame, frame, frames[0]!, ...(isFirst ? [] : [frames[1]!])];
      }),
    );
    expectSame(deliver(noisy), snapshot);
  });

  it('fails if the peer has none', () => {
    expect(deliver(transfer(undefined))).toMatchObject({ code: 'lost' });
  });

  it('fails if a bit has changed', () => {
    const damaged = transfer(snapshot, (frames) =>
      frames.map((frame, i) => {
        if (i !== 2) return frame;
        const payload = frame.payload.slice();
        payload[1000]! ^= 1;
        return { ...frame, payload };
      }),
    );
    expect(deliver(damaged)).toMatchObject({ code: 'protocol', message: expect.stringContaining('SHA-256') });
  });

  it('fails if frames are missing, do not fit, or announce too much', () => {
    const without = (at: number) => transfer(snapshot, (frames) => frames.filter((_, i) => i !== at));
    for (const at of [0, 1, 4])
      expect(deliver(without(at)), `without ${at}`).toMatchObject({ code: 'protocol' });
    expect(deliver(transfer(snapshot, undefined, 1 << 20))).toMatchObject({ code: 'protocol' });
    for (const text of [
      '',
      '{}',
      '[1]',
      '[{"name":"a","size":-1}]',
      '[{"name":1,"size":1}]',
      '[{"name":"a","size":1e99}]',
    ]) {
      const odd = transfer(snapshot, (frames) => [{ ...frames[0]!, payload: Buffer.from(text) }]);
      expect(deliver(odd), text).toMatchObject({ code: 'protocol' });
    }
  });

  it('calls nothing back after an abort', () => {
    const { fetch, frames, results } = transfer(snapshot);
    fetch.receive(frames[0]!.header, frames[0]!.payload);
    fetch.abort();
    for (const { header, payload } of frames) fetch.receive(header, payload);
    expect(results).toEqual([]);
  });
});
