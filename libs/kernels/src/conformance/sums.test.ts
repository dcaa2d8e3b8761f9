import { conforms, expectSame, f32, type Run } from '../fixtures/conformance.ts';
import { coarse, plain, randomInt, wild } from '../fixtures/random.ts';
import type { PoolAttrs } from '../kernels.ts';
import { reduceOps } from '../operations.ts';
import { referenceKernels } from '../reference/index.ts';

/** All sizes and distances in `npm run test:thorough`. */
const [reducedInner, reducedSizes] =
  process.env.LOCKSTEP_THOROUGH === '1'
    ? [
        [1, 2, 3, 4, 7, 16, 21, 40, 1100],
        [0, 1, 5, 10, 16, 17, 31, 32, 33, 128, 129, 256, 257, 300, 512, 1000, 4107],
      ]
    : [
        [1, 3, 4, 16, 21, 1100],
        [0, 1, 16, 17, 33, 128, 257, 1000],
      ];

for (const op of reduceOps) {
  conforms(`reduce ${op}`, (backend) => {
    for (const inner of reducedInner) {
      for (const size of inner > 1000 ? [3, 140] : inner === 1 ? [...reducedSizes, 4107] : reducedSizes) {
        for (const data of [plain, wild]) {
          const attrs = { outer: 3, size, inner };
          const run: Run = (k, o, [x]) => k.reduce(op, o, x!, attrs);
          expectSame(backend, f32(3 * inner), [data(3 * size * inner)], run, attrs);
        }
      }
    }
  });
}

conforms('argmax', (backend) => {
  for (const inner of [1, 3]) {
    for (const size of [1, 2, 10, 33]) {
      for (const data of [plain, coarse]) {
        const attrs = { outer: 5, size, inner };
        const run: Run = (k, o, [x]) => k.argmax(o as Int32Array, x!, attrs);
        const out = new Int32Array(5 * inner).fill(-1);
        expectSame(backend, out, [data(5 * size * inner)], run, attrs, { mayAskReference: ['wasm'] });
      }
    }
  }
});

conforms('treeSum', (backend) => {
  for (const segments of [1, 2, 4, 8, 16, 32]) {
    for (const size of [1, 5, 255, 256, 600, 1100]) {
      const attrs = { segments, size };
      const run: Run = (k, o, [x]) => k.treeSum(o, x!, attrs);
      // One segment is a copy.
      const options = { mayAskReference: segments === 1 ? (['wasm'] as const) : [] };
      for (const data of [wild, plain]) {
        expectSame(backend, f32(size), [data(segments * size)], run, attrs, options);
      }
    }
  }
});

conforms('moments and treeMoments', (backend) => {
  for (const channels of [1, 3, 4, 6, 16, 50]) {
    for (const [rows, inner] of [
      [1, 1],
      [32, 4],
      [5, 100],
      [130, 3],
      [2, 256],
      [1200, 1],
    ] as const) {
      const attrs = { segments: 4, rows, inner, channels };
      const weights = Float32Array.from({ length: 4 * rows }, (_, i) =>
        i >= 2 * rows ? 0 : randomInt(3) / 2,
      );
      const x = plain(4 * rows * inner * channels);
      const run: Run = (k, o, [y, w]) => k.moments(o, y!, w!, attrs);
      const out = f32(4 * (1 + 2 * channels));
      expectSame(backend, out, [x, weights], run, attrs);
      referenceKernels().moments(out, x, weights, attrs);
      const combine: Run = (k, o, [m]) => k.treeMoments(o, m!, attrs);
      expectSame(backend, f32(1 + 2 * channels), [out], combine, attrs, { mayAskReference: ['wasm'] });
    }
  }
});

for (const channels of [1, 3, 4, 18]) {
  conforms(`pooling of ${channels} channels`, (backend) => {
    for (const [size, window, stride] of [
      [6, 2, 2],
      [7, 2, 2],
      [7, 3, 2],
      [5, 3, 1],
      [4, 1, 1],
    ] as const) {
      const out = Math.floor((size - window) / stride) + 1;
      const attrs: PoolAttrs = {
        ...{ batch: 2, height: size, width: size, channels, outHeight: out, outWidth: out },
        ...{ windowHeight: window, windowWidth: window, strideY: stride, strideX: stride },
      };
      const numX = 2 * size * size * channels;
      const numY = 2 * out * out * channels;
      for (const data of [plain, coarse]) {
        const x = data(numX);
        const select: Run = (k, o, [y, t]) => k.maxPoolSelect(o, y!, t!, attrs);
        const scatter: Run = (k, o, [y, g]) => k.maxPoolScatter(o, y!, g!, attrs);
        expectSame(backend, f32(numY), [x], (k, o, [y]) => k.maxPool(o, y!, attrs), attrs);
        expectSame(backend, f32(numY), [x, wild(numX)], select, attrs);
        expectSame(backend, f32(numX), [x, plain(numY)], scatter, attrs);
      }
    }
  });
}
