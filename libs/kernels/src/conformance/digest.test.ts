import { type DType, dtypes, type TypedArray, viewOf } from '@lockstep/tensor';
import { conforms, expectSame, type Run } from '../fixtures/conformance.ts';
import { pick, randomInt } from '../fixtures/random.ts';

const out = new Uint32Array(2).fill(7);
const digest: Run = (k, o, [x]) => k.digest(o as Uint32Array, x!);

/** Quiet and signalling NaNs of both signs, with and without payloads, and −0. */
const SPECIAL_BITS: Readonly<Partial<Record<DType, readonly (readonly number[])[]>>> = {
  float32: [[0x7fc00000], [0xffc00000], [0x7f800001], [0xff923456], [0x7fffffff], [0x80000000]],
  float64: [
    [0, 0x7ff80000],
    [0, 0xfff80000],
    [1, 0x7ff00000],
    [0xffffffff, 0xfff12345],
    [0, 0x80000000],
  ],
};

/** Random bits; one float in four has special bits. */
function bitsOf(dtype: DType, size: number): TypedArray {
  const x = viewOf(dtype, new ArrayBuffer(8 * size), 0, size);
  const words = new Uint32Array(x.buffer);
  for (let i = 0; i < words.length; i++) words[i] = randomInt(2 ** 32);
  const special = SPECIAL_BITS[dtype];
  for (let i = 0; special !== undefined && i < size; i++) {
    if (randomInt(4) === 0) words.set(pick(special), (i * x.BYTES_PER_ELEMENT) / 4);
  }
  return x;
}

for (const dtype of dtypes) {
  conforms(`digest of ${dtype}`, (backend) => {
    for (let size = 0; size <= 300; size++) expectSame(backend, out, [bitsOf(dtype, size)], digest, size);
    for (const size of [1023, 1024, 5000, 70_001]) {
      expectSame(backend, out, [bitsOf(dtype, size)], digest, size);
    }
  });

  conforms(`digest of ${dtype} from every start`, (backend) => {
    const x = bitsOf(dtype, 700);
    for (let start = 0; start <= 64; start++) {
      const run: Run = (k, o, [y]) => k.digest(o as Uint32Array, y!.subarray(start, 700 - (start % 5)));
      expectSame(backend, out, [x], run, start);
    }
  });
}

conforms('digest of the views of one memory', (backend) => {
  const run: Run = (k, o, [x]) => {
    const [first, second] = [new Uint32Array(2), new Uint32Array(2)];
    k.digest(first, x!.subarray(0, 100));
    k.digest(second, x!.subarray(100));
    o.set([...first, ...second]);
  };
  expectSame(backend, new Uint32Array(4), [bitsOf('float32', 200)], run, 'halves');
});
