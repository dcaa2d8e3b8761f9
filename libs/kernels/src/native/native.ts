import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type {
  Conv2dAttrs,
  FusedAttrs,
  Kernels,
  MatmulAttrs,
  Operand,
  PoolAttrs,
  SegmentedContractionAttrs,
} from '../kernels.ts';
import { requireWholeSegments } from '../reference/convolution.ts';
import { referenceKernels } from '../reference/index.ts';
import { requirePowerOfTwo } from '../reference/tree.ts';
import { reduceCodes } from '../wasm/codes.ts';
import { exportsFor, type InstructionSet, type NativeExports, nativeStatus } from './addon.ts';
import { convSizes, requireLength, requireOperand, requireView, requireWindows } from './checks.ts';
import { opCodes } from './codes.ts';
import { encodeFused, encodeView, type FusedProgram, memoize } from './program.ts';

const reference = referenceKernels('fma');

/**
 * Kernels in C++ for float32 arrays in any memory; what is not float32 goes to the reference kernels.
 * `undefined` where there are none: {@link nativeStatus} tells why.
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
  };
}

const isFloats = (array: TypedArray): array is Float32Array => array instanceof Float32Array;
const isBools = (array: TypedArray): array is Uint8Array => array instanceof Uint8Array;

function elementwise(native: NativeExports) {
  return {
    fill(out, value) {
      if (isFloats(out)) native.fill(out, value);
      else out.fill(value);
    },
    cast(out, x) {
      if (!isCastable(out) || !isCastable(x)) return reference.cast(out, x);
      requireLength('cast', 'x', x, out.length);
      native.cast(out, x);
    },
    unary(op, out, x) {
      const known = op === 'not' ? isBools(out) && isBools(x) : isFloats(out) && isFloats(x);
      if (!known) return reference.unary(op, out, x);
      requireLength(op, 'x', x, out.length);
      native.unary(opCodes[op], out, x);
    },
    binary(op, out, a, b) {
      if (!isFloats(out) || !isFloats(a.data) || !isFloats(b.data)) return reference.binary(op, out, a, b);
      if (out.length === 0) return;
      requireOperand(op, a);
      requireOperand(op, b);
      native.binary(opCodes[op], out, a.data, a.repeat, a.period, b.data, b.repeat, b.period);
    },
    compare(op, out, a, b) {
      const isLogical = op === 'and' || op === 'or';
      const known = isLogical ? isBools(a.data) && isBools(b.data) : isFloats(a.data) && isFloats(b.data);
      if (!known) return reference.compare(op, out, a, b);
      if (out.length === 0) return;
      requireOperand(op, a);
      requireOperand(op, b);
      native.binary(opCodes[op], out, a.data, a.repeat, a.period, b.data, b.repeat, b.period);
    },
    select(out, condition, a, b) {
      if (!isBools(condition.data) || !isWords(out, a.data, b.data)) {
        return reference.select(out, condition, a, b);
      }
      if (out.length === 0) return;
      for (const operand of [condition, a, b]) requireOperand('select', operand);
      native.select(
        opCodes.select,
        out,
        condition.data,
        condition.repeat,
        condition.period,
        a.data,
        a.repeat,
        a.period,
        b.data,
        b.repeat,
        b.period,
      );
    },
  } satisfies Partial<Kernels>;
}

const isCastable = (array: TypedArray): boolean =>
  isFloats(array) || isBools(array) || array instanceof Int32Array;

/** Whether the arrays have one dtype of four bytes, whose elements can be moved as bits. */
function isWords(first: TypedArray, ...others: readonly TypedArray[]): boolean {
  return first.BYTES_PER_ELEMENT === 4 && others.every((array) => dtypeOf(array) === dtypeOf(first));
}

/** Arrays of one call of `fused` that the native side has room for. */
const MAX_ARRAYS = 120;

function fusedOf(native: NativeExports): Kernels['fused'] {
  const encoded = new WeakMap<FusedAttrs, FusedProgram>();
  const patterns = new Float64Array(2 * MAX_ARRAYS);
  const programOf = (attrs: FusedAttrs, numOperands: number): FusedProgram => {
    let program = encoded.get(attrs);
    if (program?.numOperands !== numOperands) {
      program = encodeFused(attrs, numOperands);
      encoded.set(attrs, program);
    }
    return program;
  };
  return (outs, operands, attrs) => {
    const program = programOf(attrs, operands.length);
    if (!isFusible(program, outs, operands)) return reference.fused(outs, operands, attrs);
    if (outs[0]!.length === 0) return;
    const arrays: TypedArray[] = [...outs];
    for (const out of outs) requireLength('fused', 'an output', out, outs[0]!.length);
    for (const [i, operand] of operands.entries()) {
      requireOperand('fused', operand);
      patterns[2 * i] = operand.repeat;
      patterns[2 * i + 1] = operand.period;
      arrays.push(operand.data);
    }
    native.fused(program.words, patterns, ...arrays);
  };
}

/** Whether all arrays are float32 or bool, the outputs as the chain makes them. */
function isFusible(
  program: FusedProgram,
  outs: readonly TypedArray[],
  operands: readonly Operand[],
): boolean {
  if (outs.length + operands.length > MAX_ARRAYS) return false;
  if (!operands.every(({ data }) => isFloats(data) || isBools(data))) return false;
  return outs.every((out, o) => {
    const kind = program.outputs[o]!;
    const isBool = typeof kind === 'number' ? isBools(operands[kind]!.data) : kind;
    return isBool ? isBools(out) : isFloats(out);
  });
}

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
    gather(out, table, indices, attrs) {
      if (!isFloats(out) || !isFloats(table)) return reference.gather(out, table, indices, attrs);
      const { rows, width } = attrs;
      requireLength('gather', 'table', table, rows * width);
      requireLength('gather', 'out', out, indices.length * width);
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

function contractions(native: NativeExports) {
  const matmulWords = memoize((s: MatmulAttrs) => {
    const flags = [s.transposeA, s.transposeB, s.batchA, s.batchB].map(Number);
    return Int32Array.from([s.batch, s.m, s.n, s.k, ...flags]);
  });
  const segmentsWords = memoize((s: SegmentedContractionAttrs) =>
    Int32Array.of(s.segments, s.rows, s.m, s.n),
  );
  return {
    matmul(out, a, b, attrs) {
      if (!isFloats(out) || !isFloats(a) || !isFloats(b)) return reference.matmul(out, a, b, attrs);
      const { batch, m, n, k, batchA, batchB } = attrs;
      requireLength('matmul', 'a', a, (batchA ? batch : 1) * m * k);
      requireLength('matmul', 'b', b, (batchB ? batch : 1) * k * n);
      requireLength('matmul', 'out', out, batch * m * n);
      native.matmul(out, a, b, matmulWords(attrs));
    },
    segmentedContraction(out, a, b, attrs) {
      if (!isFloats(out) || !isFloats(a) || !isFloats(b)) {
        return reference.segmentedContraction(out, a, b, attrs);
      }
      const { segments, rows, m, n } = attrs;
      requirePowerOfTwo('segmentedContraction', segments);
      requireLength('segmentedContraction', 'a', a, segments * rows * m);
      requireLength('segmentedContraction', 'b', b, segments * rows * n);
      requireLength('segmentedContraction', 'out', out, m * n);
      native.segmentedContraction(out, a, b, segmentsWords(attrs));
    },
  } satisfies Partial<Kernels>;
}

/** In the order of `Conv2dShape` in `native/contractions.h`. */
const convWords = memoize((c: Conv2dAttrs) =>
  Int32Array.from([
    ...[c.batch, c.height, c.width, c.inChannels, c.outHeight, c.outWidth, c.outChannels],
    ...[c.kernelHeight, c.kernelWidth, c.strideY, c.strideX, c.padTop, c.padLeft],
  ]),
);

function convolutions(native: NativeExports) {
  return {
    conv2d(out, x, kernel, attrs) {
      if (!isFloats(out) || !isFloats(x) || !isFloats(kernel)) return reference.conv2d(out, x, kernel, attrs);
      const sizes = convSizes(attrs);
      requireLength('conv2d', 'x', x, sizes.x);
      requireLength('conv2d', 'kernel', kernel, sizes.kernel);
      requireLength('conv2d', 'out', out, sizes.y);
      native.conv2d(out, x, kernel, convWords(attrs));
    },
    conv2dInputGrad(out, dy, kernel, attrs) {
      if (!isFloats(out) || !isFloats(dy) || !isFloats(kernel)) {
        return reference.conv2dInputGrad(out, dy, kernel, attrs);
      }
      const sizes = convSizes(attrs);
      requireLength('conv2dInputGrad', 'dy', dy, sizes.y);
      requireLength('conv2dInputGrad', 'kernel', kernel, sizes.kernel);
      requireLength('conv2dInputGrad', 'out', out, sizes.x);
      native.conv2dInputGrad(out, dy, kernel, convWords(attrs));
    },
    conv2dKernelGrad(out, x, dy, attrs) {
      if (!isFloats(out) || !isFloats(x) || !isFloats(dy))
        return reference.conv2dKernelGrad(out, x, dy, attrs);
      requireWholeSegments(attrs);
      const sizes = convSizes(attrs);
      const stack = attrs.combine === 'stack';
      requireLength('conv2dKernelGrad', 'x', x, sizes.x);
      requireLength('conv2dKernelGrad', 'dy', dy, sizes.y);
      requireLength('conv2dKernelGrad', 'out', out, sizes.kernel * (stack ? attrs.segments : 1));
      native.conv2dKernelGrad(out, x, dy, convWords(attrs), attrs.segments, Number(stack));
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
