import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  chainAfter,
  extendChain,
  fingerprint,
  fingerprintInPieces,
  stateHashes,
  stateHashesInPieces,
} from './fingerprint.ts';

const variable = (name: string, length: number) => ({ name, dtype: 'float32', shape: [length] }) as const;
const variables = [variable('w', 2)];
const ofBits = (...bits: readonly number[]): string =>
  fingerprint(variables, [new Float32Array(Uint32Array.from(bits).buffer)]);

it('distinguishes every bit of numbers, but no NaN from another', () => {
  const [one, zero, negativeZero] = [0x3f800000, 0, 0x80000000];
  const [nan, negativeNaN, otherNaN] = [0x7fc00000, 0xffc00000, 0x7fc00001];
  expect(ofBits(one, zero)).not.toBe(ofBits(one, negativeZero));
  expect(ofBits(one, negativeNaN)).toBe(ofBits(one, nan));
  expect(ofBits(one, otherNaN)).toBe(ofBits(one, nan));
  expect(ofBits(nan, one)).not.toBe(ofBits(one, nan));
});

it('does not change the array', () => {
  const bits = Uint32Array.of(0xffc00000, 1);
  fingerprint(variables, [new Float32Array(bits.buffer)]);
  expect([...bits]).toEqual([0xffc00000, 1]);
});

describe('the hash of a state', () => {
  const form = {
    params: [variable('w', 2), variable('b', 1)],
    state: [variable('mean', 1)],
    optState: [variable('moment', 2)],
  };
  const arrays = () =>
    [[1, 2], [3], [0.5], [7, Number.NaN]].map((values) => Float32Array.from(values)) satisfies Float32Array[];

  it('is SHA-256 of names, types, shapes and bytes of all arrays, and begins with those of the fingerprint', () => {
    const text = (name: string, length: number): Buffer =>
      Buffer.from(JSON.stringify([name, 'float32', [length]]));
    const [w, b, mean, moment] = arrays().map(({ buffer }) => Buffer.from(buffer));
    const model = [text('w', 2), w!, text('b', 1), b!, text('mean', 1), mean!];
    const sha256 = (parts: readonly Buffer[]): string =>
      createHash('sha256').update(Buffer.concat(parts)).digest('hex');
    expect(stateHashes(form, arrays())).toEqual({
      fingerprint: sha256(model),
      stateHash: sha256([...model, text('moment', 2), moment!]),
    });
  });

  it('differs where the optimizer differs alone, and the fingerprint does not', () => {
    const other = arrays();
    other[3]![0] = 8;
    const [one, two] = [arrays(), other].map((all) => stateHashes(form, all));
    expect(one!.fingerprint).toBe(two!.fingerprint);
    expect(one!.stateHash).not.toBe(two!.stateHash);
    expect(one!.fingerprint).toBe(fingerprint([...form.params, ...form.state], arrays()));
  });

  it('is that of the parameters where the optimizer has no state', () => {
    const { fingerprint, stateHash } = stateHashes({ ...form, optState: [] }, arrays());
    expect(stateHash).toBe(fingerprint);
  });

  it('is the same in pieces, between which other work goes on', async () => {
    const length = 2 ** 23 + 5;
    const large = { params: [variable('w', length)], state: [], optState: [variable('m', length)] };
    const values = [0, 1].map((i) => new Float32Array(length).fill(i + 0.1));
    // On both sides of the border between two pieces.
    for (const at of [2 ** 23 - 1, 2 ** 23]) values[1]![at] = Number.NaN;
    let numTurns = 0;
    let isDone = false;
    const count = (): void => {
      numTurns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const hashes = await stateHashesInPieces(large, values);
    isDone = true;
    expect(numTurns).toBeGreaterThanOrEqual(2);
    expect(hashes).toEqual(stateHashes(large, values));
    expect(await fingerprintInPieces(large, values)).toBe(hashes.fingerprint);
  });
});

it('a chain takes the fingerprint of a step before the hash of its state, and stays where there is neither', () => {
  const [first, second] = ['f'.repeat(64), '5'.repeat(64)];
  expect(chainAfter('c', 7, {})).toBe('c');
  expect(chainAfter('c', 7, { fingerprint: first })).toBe(extendChain('c', 7, first));
  expect(chainAfter('c', 7, { stateHash: second })).toBe(extendChain('c', 7, second));
  expect(chainAfter('c', 7, { fingerprint: first, stateHash: second })).toBe(
    extendChain(extendChain('c', 7, first), 7, second),
  );
});
