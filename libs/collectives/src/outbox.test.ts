import { expect, it } from 'vitest';
import { createOutbox, outboxBytes } from './outbox.ts';

const placeOf = ({ buffer, byteOffset, length }: Uint8Array) => ({ buffer, byteOffset, length });

it('reuses the memory of an exchange when the second one after it begins, and no sooner', () => {
  const memory = new Uint8Array(512);
  const { turn, reserve } = createOutbox(memory);
  const places = Array.from({ length: 4 }, () => {
    turn();
    return [reserve(65), reserve(100)].map((payload) => placeOf(payload).byteOffset);
  });
  expect(places).toEqual([
    [256, 384],
    [0, 128],
    [256, 384],
    [0, 128],
  ]);
});

it('allocates memory for payloads that do not fit', () => {
  const memory = new Uint8Array(256);
  const { reserve } = createOutbox(memory);
  expect(reserve(128).buffer).toBe(memory.buffer);
  expect(placeOf(reserve(4))).toMatchObject({ byteOffset: 0, length: 4 });
  expect(reserve(4).buffer).not.toBe(memory.buffer);
});

it('has room for the partials of every node and for the result, in both halves', () => {
  const rules = { smallBytes: 64, chunkBytes: 1000 };
  const { reserve } = createOutbox(new Uint8Array(outboxBytes(10_000, 3, rules)));
  const own = Array.from({ length: 4 * 10 }, () => reserve(1000));
  expect(new Set(own.map(({ buffer }) => buffer)).size).toBe(1);
  expect(outboxBytes(2 ** 33, 3, rules)).toBe(2 ** 32);
});
