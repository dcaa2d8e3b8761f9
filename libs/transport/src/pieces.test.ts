import { describe, expect, it } from 'vitest';
import { createAssembler, inPieces } from './pieces.ts';

const filled = (length: number, seed: number): Buffer => Buffer.alloc(length, `piece ${seed}`);
const sent = (frames: readonly Uint8Array[]): Buffer[][] =>
  inPieces(frames).map((message) => message.map((frame) => Buffer.from(frame)));

describe('long messages in pieces', () => {
  it.each([
    ['a short message', [10, 0, 20], 1],
    ['a long frame', [100, 100_000], 9],
    ['empty frames at every place', [0, 50_000, 0, 0, 50_000, 0], 9],
    ['frames of exactly one piece', [16_384, 16_384, 16_384, 16_384, 16_384], 6],
    ['a message of 128 MiB, in larger pieces', [1, 128 << 20], 4_098],
  ])('%s arrives unchanged', (_what, lengths, numMessages) => {
    const frames = lengths.map((length, i) => filled(length, i));
    const messages = sent(frames);
    expect(messages.length).toBe(numMessages);
    const { take } = createAssembler();
    for (const message of messages.slice(0, -1)) expect(take(message)).toBe('piece');
    const came = take(messages.at(-1)!) as Buffer[];
    expect(came.map(({ byteLength }) => byteLength)).toEqual(lengths);
    expect(came.every((frame, i) => frame.equals(frames[i]!))).toBe(true);
    expect(take([Buffer.from('next')])).toEqual([Buffer.from('next')]);
  });

  it('drops the rest of an interrupted message, and takes the next one', () => {
    const { take } = createAssembler();
    const first = sent([filled(100_000, 1)]);
    for (const message of first.slice(0, 3)) expect(take(message)).toBe('piece');
    const second = sent([filled(100_000, 2)]);
    for (const message of second.slice(0, -1)) expect(take(message)).toBe('piece');
    expect((take(second.at(-1)!) as Buffer[])[0]!.equals(filled(100_000, 2))).toBe(true);
    for (const message of first.slice(3)) expect(take(message)).toBeUndefined();
  });

  it.each([
    ['a length that is no number', [Buffer.from('LKSPb'), Buffer.from('abc')]],
    ['a frame of 4 GB', [Buffer.from('LKSPb'), Buffer.from([255, 255, 255, 255])]],
    ['too many frames', [Buffer.from('LKSPb'), Buffer.alloc(4 * 8_193)]],
    ['no frames', [Buffer.from('LKSPb'), Buffer.alloc(0)]],
    ['a piece without a message', [Buffer.from('LKSPp'), Buffer.from('abc')]],
  ])('drops %s', (_what, message) => {
    expect(createAssembler().take(message)).toBeUndefined();
  });

  it('drops a message that exceeds its announced length', () => {
    const { take } = createAssembler();
    expect(take([Buffer.from('LKSPb'), Buffer.from([2, 0, 0, 0])])).toBe('piece');
    expect(take([Buffer.from('LKSPp'), Buffer.from('abc')])).toBeUndefined();
    expect(take([Buffer.from('LKSPp'), Buffer.from('ab')])).toBeUndefined();
  });
});
