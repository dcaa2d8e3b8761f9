import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { Kernels, PoolAttrs } from '../kernels.ts';
import { reduceCodes } from '../operations.ts';
import { requireAlike } from '../reference/elementwise.ts';
import { referenceKernels } from '../reference/index.ts';
import { requirePowerOfTwo } from '../reference/tree.ts';
import { exportsFor, type InstructionSet, type NativeExports, nativeStatus } from './addon.ts';
import { isFloats, requireLength, requireRows, requireView, requireWindows } from './checks.ts';
import { contractions, convolutions } from './contractions.ts';
import { elementwise, fusedOf } from './elementwise.ts';
import { encodeView, memoize } from './program.ts';

const reference = referenceKernels('fma');

/**
 * Kernels in C++ for float32 arrays in any memory. Those that only move elements take every dtype; the reference kernels
 * do the rest. `undefined` if this machine has no native kernels; {@link nativeStatus} says why.
 */
export function createNativeKernels(instructionSet?: InstructionSet): Kernels | undefined {
  const status = nativeStatus();
  const set = instructionSet ?? (status.available ? status.instructionSet : undefined);
  const native = set === undefined ? undefined : exportsFor(set);
  if (native === undefined) return undefined;
  return {
    name: 'native',
    profile: 'fma',
    ...elementwise(native),
    fused: fusedOf(native),
    ...movement(native),
    ...sums(native),
    ...contractions(native),
    ...convolutions(native),
    ...pooling(native),
    ...random(native),
    digest(out, x) {
      requireLength('digest', 'out', out, 2);
      native.digest(out, x);
    },
  };
}

/** A copy of fewer bytes takes less time than a native call. */
const MIN_COPY_BYTES = 4096;

function movement(native: NativeExports) {
  const viewOf = memoize(encodeView);
  return {
    readStrided(out, x, attrs) {
      if (dtypeOf(out) !== dtypeOf(x)) return reference.readStrided(out, x, attrs);
      const view = viewOf(attrs);
      if (view.size === 0) return;
      requireLength('readStrided', 'out', out, view.size);
      requireView('readStrided', x, view);
      native.copyStrided(out, 0, x, attrs.offset, view.read);
    },
    writeStrided(out, x, attrs) {
      if (dtypeOf(out) !== dtypeOf(x)) return reference.writeStrided(out, x, attrs);
      const view = viewOf(attrs);
      if (view.size === 0) return;
      requireLength('writeStrided', 'x', x, view.size);
      requireView('writeStrided', out, view);
      native.copyStrided(out, attrs.offset, x, 0, view.write);
    },
    copy(out, x) {
      requireAlike(out, x);
      if (x.byteLength < MIN_COPY_BYTES) out.set(x);
      else native.copy(out, x);
    },
    gather(out, table, indices, attrs) {
      if (dtypeOf(out) !== dtypeOf(table)) return reference.gather(out, table, indices, attrs);
      const { rows, width } = attrs;
      requireRows('gather', 'table', table, attrs);
      requireRows('gather', 'out', out, { rows: indices.length, width });
      native.gather(out, table, indices, rows, width);
    },
    scatterAdd(out, updates, indices, attrs) {
      if (!isFloats(out) || !isFloats(updates)) return reference.scatterAdd(out, updates, indices, attrs);
      const { rows, width } = attrs;
      requireLength('scatterAdd', 'updates', updates, indices.length * width);
      requireLength('scatterAdd', 'out', out, rows * width);
      native.scatterAdd(out, updates, indices, rows, width);
    },
  } satisfies Partial<Kernels>;
}

function sums(native: NativeExports) {
  return {
    reduce(op, out, x, attrs) {
      if (!isFloats(out) || !isFloats(x)) return reference.reduce(op, out, x, attrs);
      const { outer, size, inner } = attrs;
      requireLength('reduce', 'x', x, outer * size * inner);
      requireLength('reduce', 'out', out, outer * inner);
      native.reduce(reduceCodes[op], out, x, outer, size, inner);
    },
    argmax(out, x, attrs) {
      if (!isFloats(x)) return reference.argmax(out, x, attrs);
      const { outer, size, inner } = attrs;
      requireLength('argmax', 'x', x, outer * size * inner);
      requireLength('argmax', 'out', out, outer * inner);
      native.argmax(out, x, outer, size, inner);
    },
    treeSum(out, x, attrs) {
      if (!isFloats(out) || !isFloats(x)) return reference.treeSum(out, x, attrs);
      const { segments, size } = attrs;
      requirePowerOfTwo('treeSum', segments);
      requireLength('treeSum', 'x', x, segments * size);
      requireLength('treeSum', 'out', out, size);
      native.treeSum(out, x, segments, size);
    },
    moments(out, x, weights, attrs) {
      if (!isFloats(out) || !isFloats(x) || !isFloats(weights)) {
        return reference.moments(out, x, weights, attrs);
      }
      const { segments, rows, inner, channels } = attrs;
      requireLength('moments', 'x', x, segments * rows * inner * channels);
      requireLength('moments', 'weights', weights, segments * rows);
      requireLength('moments', 'out', out, segments * (1 + 2 * channels));
      native.moments(out, x, weights, segments, rows, inner, channels);
    },
    treeMoments(out, x, attrs) {
      if (!isFloats(out) || !isFloats(x)) return reference.treeMoments(out, x, attrs);
      const { segments, channels } = attrs;
      requirePowerOfTwo('treeMoments', segments);
      requireLength('treeMoments', 'x', x, segments * (1 + 2 * channels));
      requireLength('treeMoments', 'out', out, 1 + 2 * channels);
      native.treeMoments(out, x, segments, channels);
    },
  } satisfies Partial<Kernels>;
}

/** In the order of `PoolShape` in `native/kernels.h`. */
const poolWords = memoize((p: PoolAttrs) =>
  Int32Array.from([
    ...[p.batch, p.height, p.width, p.channels, p.outHeight, p.outWidth],
    ...[p.windowHeight, p.windowWidth, p.strideY, p.strideX],
  ]),
);

function pooling(native: NativeExports) {
  const requireSizes = (op: string, p: PoolAttrs, image: TypedArray[], pooled: TypedArray) => {
    requireWindows(op, p);
    for (const array of image)
      requireLength(op, 'an image', array, p.batch * p.height * p.width * p.channels);
    requireLength(op, 'the pooled image', pooled, p.batch * p.outHeight * p.outWidth * p.channels);
  };
  const maxPoolSelect: Kernels['maxPoolSelect'] = (out, x, t, attrs) => {
    if (!isFloats(out) || !isFloats(x) || !isFloats(t)) return reference.maxPoolSelect(out, x, t, attrs);
    requireSizes('maxPoolSelect', attrs, [x, t], out);
    native.maxPoolSelect(out, x, t, poolWords(attrs));
  };
  return {
    maxPoolSelect,
    maxPool: (out, x, attrs) => maxPoolSelect(out, x, x, attrs),
    maxPoolScatter(out, x, g, attrs) {
      if (!isFloats(out) || !isFloats(x) || !isFloats(g)) return reference.maxPoolScatter(out, x, g, attrs);
      requireSizes('maxPoolScatter', attrs, [out, x], g);
      native.maxPoolScatter(out, x, g, poolWords(attrs));
    },
  } satisfies Partial<Kernels>;
}

function random(native: NativeExports) {
  return {
    randomBits(out, key) {
      requireLength('randomBits', 'key', key, 2);
      native.randomBits(out, key);
    },
    unitFromBits(out, bits) {
      if (!isFloats(out)) return reference.unitFromBits(out, bits);
      requireLength('unitFromBits', 'bits', bits, out.length);
      native.unitFromBits(out, bits);
    },
  } satisfies Partial<Kernels>;
}
