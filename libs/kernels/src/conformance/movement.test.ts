import type { TypedArray } from '@lockstep/tensor';
import { conforms, expectSame, f32, type Run, SIZES } from '../fixtures/conformance.ts';
import { bools, ints, pick, plain, randomInt, wild } from '../fixtures/random.ts';
import { referenceKernels } from '../reference/index.ts';

const arraysOf: Readonly<Record<string, (size: number) => TypedArray>> = {
  float32: wild,
  float64: (size) => Float64Array.from(wild(size)),
  int32: ints,
  uint32: (size) => Uint32Array.from(plain(size), (x) => x * 2 ** 31),
  bool: bools,
};

/** A view of random rank, order and directions of axes, and the size of the array that it sees. */
function randomView() {
  const lengths = Array.from({ length: randomInt(5) }, () => pick([1, 2, 3, 4, 5, 9, 17, 33]));
  const order = lengths.map((_, axis) => axis).sort(() => randomInt(3) - 1);
  let size = 1;
  const dense = [...lengths];
  for (let axis = lengths.length - 1; axis >= 0; axis--) {
    dense[axis] = size;
    size *= lengths[axis]!;
  }
  let offset = 0;
  const strides = order.map((axis) => {
    if (randomInt(4) > 0) return dense[axis]!;
    offset += dense[axis]! * (lengths[axis]! - 1);
    return -dense[axis]!;
  });
  return { view: { shape: order.map((axis) => lengths[axis]!), strides, offset }, size };
}

conforms('readStrided and writeStrided', (backend) => {
  for (let trial = 0; trial < 300; trial++) {
    const { view, size } = randomView();
    if (size > 20_000) continue;
    const x = [wild, (n: number) => Int32Array.from(wild(n)), bools][trial % 3]!(size);
    // The wasm kernels move elements of four bytes.
    const options = { mayAskReference: x instanceof Uint8Array ? (['wasm'] as const) : [] };
    const out = x.slice().fill(3);
    expectSame(backend, out, [x], (k, o, [y]) => k.writeStrided(o, y!, view), view, options);
    const broadcast = { ...view, strides: view.strides.map((s) => (s > 0 && randomInt(4) === 0 ? 0 : s)) };
    expectSame(backend, out, [x], (k, o, [y]) => k.readStrided(o, y!, broadcast), broadcast, options);
  }
});

conforms('readStrided of float64', (backend) => {
  const view = { shape: [11, 7], strides: [1, 11], offset: 0 };
  const run: Run = (k, o, [x]) => k.readStrided(o, x!, view);
  const inputs = [Float64Array.from(wild(77))];
  expectSame(backend, new Float64Array(77), inputs, run, view, { mayAskReference: ['wasm'] });
});

for (const [dtype, make] of Object.entries(arraysOf)) {
  conforms(`copy of ${dtype}`, (backend) => {
    for (const size of [...SIZES, 5000, 20_001]) {
      expectSame(backend, make(size).fill(3), [make(size)], (k, o, [x]) => k.copy(o, x!), size);
    }
  });

  conforms(`gather of ${dtype}`, (backend) => {
    const options = { mayAskReference: dtype === 'float32' ? [] : (['wasm'] as const) };
    const gather = (width: number, indices: Int32Array): void => {
      const run: Run = (k, o, [t, i]) => k.gather(o, t!, i as Int32Array, { rows: 6, width });
      const out = make(indices.length * width).fill(3);
      expectSame(backend, out, [make(6 * width), indices], run, width, options);
    };
    for (const width of [0, 1, 3, 4, 7, 8, 32, 33]) {
      gather(
        width,
        Int32Array.from({ length: 20 }, () => randomInt(8) - 1),
      );
      gather(width, new Int32Array(0));
    }
    const missing: Run = (k, o, [t, i]) => k.gather(o, t!, i as Int32Array, { rows: 0, width: 2 });
    const inputs = [make(0), Int32Array.of(0, 2 ** 31 - 1)];
    expectSame(backend, make(4), inputs, missing, 'an empty table', options);
  });
}

conforms('scatterAdd', (backend) => {
  for (const width of [1, 3, 4, 7, 32]) {
    const indices = Int32Array.from({ length: 20 }, () => randomInt(8) - 1);
    const run: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, { rows: 6, width });
    expectSame(backend, f32(6 * width), [wild(20 * width), indices], run, width);
  }
});

conforms('scatterAdd of many updates of a row', (backend) => {
  for (const width of [1, 3, 8, 33]) {
    for (const count of [17, 64, 700]) {
      const indices = Int32Array.from({ length: count }, () => randomInt(5) * randomInt(3) - 1);
      const run: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, { rows: 6, width });
      for (const data of [plain, wild]) {
        expectSame(backend, f32(6 * width), [data(count * width), indices], run, [width, count]);
      }
    }
  }
});

// Shapes at the limits of the wasm kernels' workspace.
for (const [what, rows, width, hit, count] of [
  ['more rows than states', 2 ** 19 + 40, 1, 40, 2000],
  ['sums of fewer columns at a time', 11_300, 18, 11_300, 192_100],
  ['sums of one row at a time', 60_000, 1, 60_000, 1_080_000],
] as const) {
  conforms(`scatterAdd of ${what}`, (backend) => {
    // The last rows are hit.
    const indices = Int32Array.from({ length: count }, (_, i) => rows - 1 - ((i * 7) % hit));
    const run: Run = (k, o, [u, i]) => k.scatterAdd(o, u!, i as Int32Array, { rows, width });
    expectSame(backend, f32(rows * width), [plain(count * width), indices], run, [rows, width]);
  });
}

conforms('randomBits and unitFromBits', (backend) => {
  for (const size of [0, 1, 2, 7, 8, 9, 100, 1001]) {
    const key = Uint32Array.of(0xdeadbeef, size);
    const bits = new Uint32Array(size);
    const draw: Run = (k, o, [y]) => k.randomBits(o as Uint32Array, y as Uint32Array);
    expectSame(backend, bits, [key], draw, size);
    referenceKernels().randomBits(bits, key);
    expectSame(backend, f32(size), [bits], (k, o, [b]) => k.unitFromBits(o, b as Uint32Array), size);
  }
});
