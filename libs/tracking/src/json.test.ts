import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, hashJson, sha256 } from './json.ts';

describe('canonicalJson', () => {
  it('parses as the same value, and does not depend on the order of keys', () => {
    const reversed = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, item]) => [key, reversed(item)]),
          );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  it('sorts keys, drops undefined properties and writes no spaces', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true, 10: 0, 9: 0, none: undefined })).toBe(
      '{"10":0,"9":0,"a":true,"b":[1,{"c":"x","d":null}]}',
    );
  });

  it.each([
    [{ a: { b: Number.NaN } }, '$.a.b is number NaN'],
    [[1, undefined], '$[1] is undefined'],
    [{ when: new Date(0) }, '$.when is [object Date]'],
    [{ data: new Float32Array(1) }, '$.data is [object Float32Array]'],
    [{ big: 1n }, '$.big is bigint 1'],
  ])('refuses %o', (value, message) => {
    expect(() => canonicalJson(value)).toThrow(message);
  });
});

describe('hashes', () => {
  it('are SHA-256', () => {
    // FIPS 180-4, the example message "abc".
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256('abc')).toBe(abc);
    expect(sha256(Uint8Array.of(97, 98, 99))).toBe(abc);
    expect(hashJson({ b: 1, a: 2 })).toBe(sha256('{"a":2,"b":1}'));
  });
});
