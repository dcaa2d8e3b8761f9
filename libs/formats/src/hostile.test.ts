/** Damaged and malicious files throw a `LockstepError` and have no other effect. */
import { LockstepError } from '@lockstep/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counted, dtypes } from './fixtures/arrays.ts';
import { decodeNpy, encodeNpy } from './npy.ts';
import { decodeNpz, encodeNpz } from './npz.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const arrays = Object.fromEntries(dtypes.map((dtype) => [dtype, counted(dtype)]));

const formats = {
  safetensors: { file: encodeSafetensors(arrays, { about: 'these' }), decode: decodeSafetensors },
  npy: { file: encodeNpy(counted('float32')), decode: (bytes: Uint8Array) => decodeNpy(bytes) },
  npz: { file: encodeNpz(arrays), decode: (bytes: Uint8Array) => decodeNpz(bytes) },
  'npz, deflated': {
    file: encodeNpz(arrays, { compress: true }),
    decode: (bytes: Uint8Array) => decodeNpz(bytes),
  },
};

/** Replaces some bytes, then cuts off or appends bytes at the end. */
const damage = fc.record({
  changes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
  cut: fc.option(fc.nat()),
  tail: fc.uint8Array({ maxLength: 4 }),
});

describe.each(Object.entries(formats))('a damaged %s file', (_name, { file, decode }) => {
  it('is read, or refused with a LockstepError', () => {
    fc.assert(
      fc.property(damage, ({ changes, cut, tail }) => {
        const bytes = Uint8Array.from(file);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const kept = cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
        try {
          decode(Buffer.concat([kept, tail]));
        } catch (error) {
          expect(error).toBeInstanceOf(LockstepError);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('is refused when cut anywhere', () => {
    for (let length = 0; length < file.length; length++)
      expect(() => decode(file.subarray(0, length))).toThrow(LockstepError);
  });
});
