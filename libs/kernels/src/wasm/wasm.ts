import { LockstepError } from '@lockstep/errors';
import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { Kernels, MatmulAttrs, Operand, PoolAttrs, Profile, StridedAttrs } from '../kernels.ts';
import { opCodes, reduceCodes } from '../operations.ts';
import { requireAlike } from '../reference/elementwise.ts';
import { referenceKernels } from '../reference/index.ts';
import { updatesByRow } from '../reference/indexing.ts';
import { requirePowerOfTwo } from '../reference/tree.ts';
import type { Context } from './context.ts';
import { convolutions } from './convolutions.ts';
import { fusion } from './fused.ts';
import { runningBytes } from './fused-sums.ts';
import { wasmModule } from './module.ts';
import { foldView } from './views.ts';
import { instantiate, type WasmMemory } from './webassembly.ts';

/** Scratch that is enough for every kernel. */
export const MIN_SCRATCH_BYTES = 1 << 20;

/** The scratch begins with the attributes; the rest is the kernels' workspace. */
export const ATTRS_BYTES = 256;
/** The workspace of `scatterAdd` begins with the places of updates that are added together. */
const PLACES_BYTES = 1 << 16;
const MAX_RANK = 16;

export interface WasmOptions {
  /**
   * Shared memory that holds the arrays. Arrays must be views of this thread's `memory.buffer` itself, not of a buffer that
   * was posted with it. The memory must not grow afterwards, which would make views stale.
   */
  readonly memory: WasmMemory;
  /** The instance's scratch, at a multiple of 16. Instances of other threads need scratch of their own. */
  readonly scratchOffset: number;
  /** At least {@link MIN_SCRATCH_BYTES}. */
  readonly scratchBytes: number;
  /** Default `portable`. `wasmFmaStatus` says whether this host computes `fma`. */
  readonly profile?: Profile;
}

/**
 * Kernels in WebAssembly SIMD for float32 arrays in `memory`. The reference kernels, which have the same bits, compute with
 * arrays of other dtypes and in other memory.
 * @throws LockstepError `argument` if the scratch is too small, unaligned or outside the memory, `config` if this
 * host cannot run the profile's instructions.
 */
export function createWasmKernels(options: WasmOptions): Kernels {
  const { memory, scratchOffset, profile = 'portable' } = options;
  checkScratch(options);
  const reference = referenceKernels(profile);
  const { buffer } = memory;
  const inside = (...arrays: readonly TypedArray[]) => arrays.every((array) => array.buffer === buffer);
  const context: Context = {
    wasm: instantiate(wasmModule(profile), memory),
    reference,
    work: scratchOffset + ATTRS_BYTES,
    attrs: scratchOffset,
    words: new Int32Array(buffer, scratchOffset, ATTRS_BYTES / 4),
    floats: (...arrays) => arrays.every((array) => array instanceof Float32Array && array.buffer === buffer),
    inside,
  };
  return {
    ...reference,
    name: 'wasm',
    ...elementwise(context),
    ...fusion({ ...context, memory, workBytes: options.scratchBytes - ATTRS_BYTES }),
    ...movement(context),
    ...sums(context),
    ...contractions(context),
    ...convolutions(context),
    ...pooling(context),
    ...random(context),
    ...digests(context),
  };
}

function checkScratch({ memory, scratchOffset, scratchBytes }: WasmOptions): void {
  const total = memory.buffer.byteLength;
  if (scratchBytes >= MIN_SCRATCH_BYTES && scratchOffset % 16 === 0 && scratchOffset + scratchBytes <= total)
    return;
  throw new LockstepError(
    'argument',
    `wasm kernels: scratch of ${scratchBytes} bytes at ${scratchOffset} in a memory of ${total}; it needs ${MIN_SCRATCH_BYTES} bytes inside the memory, at a multiple of 16`,
    { scratchOffset, scratchBytes, memoryBytes: total },
  );
}

/** Address, repeat and period of an operand. A scalar gets repeat 1, which the kernels expect. */
function operand({ data, repeat, period }: Operand): [number, number, number] {
  return [data.byteOffset, period === 1 ? 1 : repeat, period];
}

function elementwise({ wasm, reference, work, floats, inside }: Context) {
  return {
    unary(op, out, x) {
      if (op === 'not' || !floats(out, x)) return reference.unary(op, out, x);
      wasm.unary(opCodes[op], out.byteOffset, x.byteOffset, out.length);
    },
    binary(op, out, a, b) {
      if (!floats(out, a.data, b.data)) return reference.binary(op, out, a, b);
      wasm.binary(opCodes[op], out.byteOffset, out.length, ...operand(a), ...operand(b), work);
    },
    compare(op, out, a, b) {
      if (op === 'and' || op === 'or' || !floats(a.data, b.data) || !inside(out)) {
        return reference.compare(op, out, a, b);
      }
      wasm.compare(opCodes[op], out.byteOffset, out.length, ...operand(a), ...operand(b), work);
    },
    select(out, condition, a, b) {
      const plain =
        inside(out, condition.data, a.data, b.data) &&
        isWords(out, a.data, b.data) &&
        condition.data instanceof Uint8Array;
      if (!plain) return reference.select(out, condition, a, b);
      wasm.select(out.byteOffset, out.length, ...operand(condition), ...operand(a), ...operand(b), work);
    },
  } satisfies Partial<Kernels>;
}

/** Whether all arrays have the same dtype, of four bytes, so that elements can be moved as bits. */
function isWords(first: TypedArray, ...others: readonly TypedArray[]): boolean {
  return first.BYTES_PER_ELEMENT === 4 && others.every((array) => dtypeOf(array) === dtypeOf(first));
}

function movement({ wasm, reference, work, attrs, words, floats, inside }: Context) {
  const copy = (to: TypedArray, from: TypedArray, view: StridedAttrs, writes: boolean): boolean => {
    if (!inside(to, from) || !isWords(to, from) || view.shape.length > MAX_RANK) return false;
    const { shape, dense, strides } = foldView(view);
    words.set(shape);
    words.set(writes ? strides : dense, shape.length);
    words.set(writes ? dense : strides, 2 * shape.length);
    const start = view.offset * 4;
    const toAddress = to.byteOffset + (writes ? start : 0);
    const fromAddress = from.byteOffset + (writes ? 0 : start);
    wasm.copyStrided(toAddress, fromAddress, attrs, shape.length);
    return true;
  };
  const places = new Uint32Array(words.buffer, work, PLACES_BYTES / 4);
  return {
    readStrided(out, x, view) {
      if (!copy(out, x, view, false)) reference.readStrided(out, x, view);
    },
    copy(out, x) {
      requireAlike(out, x);
      const view = { shape: [x.length], strides: [1], offset: 0 };
      if (!copy(out, x, view, false)) out.set(x);
    },
    writeStrided(out, x, view) {
      if (!copy(out, x, view, true)) reference.writeStrided(out, x, view);
    },
    gather(out, table, indices, shape) {
      if (!floats(out, table) || !inside(indices)) return reference.gather(out, table, indices, shape);
      const { rows, width } = shape;
      wasm.gather(out.byteOffset, table.byteOffset, indices.byteOffset, indices.length, rows, width);
    },
    scatterAdd(out, updates, indices, shape) {
      if (!floats(out, updates) || !inside(indices))
        return reference.scatterAdd(out, updates, indices, shape);
      const { rows, width } = shape;
      const { length, byteOffset } = indices;
      if (wasm.scatterAdd(out.byteOffset, updates.byteOffset, byteOffset, length, rows, width, work)) return;
      // The workspace has no room for the sums of all rows, so they are computed one row after the other.
      const { starts, order } = updatesByRow(indices, rows);
      let most = 0;
      for (let row = 0; row < rows; row++) most = Math.max(most, starts[row + 1]! - starts[row]!);
      const step = 4 * width;
      const sums = work + PLACES_BYTES;
      if (runningBytes(most, width) > MIN_SCRATCH_BYTES - ATTRS_BYTES - PLACES_BYTES)
        return reference.scatterAdd(out, updates, indices, shape);
      out.fill(0);
      for (let row = 0; row < rows; row++) {
        const [start, end] = [starts[row]!, starts[row + 1]!];
        if (end === start) continue;
        for (let i = start, count: number; i < end; i += count) {
          count = Math.min(end - i, PLACES_BYTES / 4);
          places.set(order.subarray(i, i + count));
          wasm.addListedRows(sums, step, updates.byteOffset, work, i - start, count, width);
        }
        wasm.endRows(out.byteOffset + step * row, sums, step, end - start, width);
      }
    },
  } satisfies Partial<Kernels>;
}

function sums({ wasm, reference, work, floats }: Context) {
  return {
    reduce(op, out, x, shape) {
      if (!floats(out, x)) return reference.reduce(op, out, x, shape);
      const { outer, size, inner } = shape;
      wasm.reduce(reduceCodes[op], out.byteOffset, x.byteOffset, outer, size, inner, work);
    },
    treeSum(out, x, shape) {
      const { segments, size } = shape;
      if (segments === 1 || !floats(out, x)) return reference.treeSum(out, x, shape);
      requirePowerOfTwo('treeSum', segments);
      wasm.treeSum(out.byteOffset, x.byteOffset, segments, size, work);
    },
    moments(out, x, weights, shape) {
      if (!floats(out, x, weights)) return reference.moments(out, x, weights, shape);
      const { segments, rows, inner, channels } = shape;
      wasm.moments(out.byteOffset, x.byteOffset, weights.byteOffset, segments, rows, inner, channels, work);
    },
  } satisfies Partial<Kernels>;
}

/** Turns a batch of matrices a that share b into one matrix with more rows. */
function joinBatch(shape: MatmulAttrs): MatmulAttrs {
  const { batch, m, transposeA, batchA, batchB } = shape;
  return batchA && !batchB && !transposeA ? { ...shape, batch: 1, m: batch * m } : shape;
}

function contractions({ wasm, reference, work, attrs, words, floats }: Context) {
  return {
    matmul(out, a, b, shape) {
      if (!floats(out, a, b)) return reference.matmul(out, a, b, shape);
      const { batch, m, n, k, transposeA, transposeB, batchA, batchB } = joinBatch(shape);
      words.set([batch, m, n, k, Number(transposeA), Number(transposeB), Number(batchA), Number(batchB)]);
      wasm.matmul(out.byteOffset, a.byteOffset, b.byteOffset, attrs, work);
    },
    segmentedContraction(out, a, b, shape) {
      if (!floats(out, a, b)) return reference.segmentedContraction(out, a, b, shape);
      const { segments, rows, m, n } = shape;
      requirePowerOfTwo('segmentedContraction', segments);
      wasm.segmentedContraction(out.byteOffset, a.byteOffset, b.byteOffset, segments, rows, m, n, work);
    },
  } satisfies Partial<Kernels>;
}

/** The attributes in the order of `Pool` in `assembly/pool.ts`. */
function poolWords(p: PoolAttrs): number[] {
  return [
    p.batch,
    p.height,
    p.width,
    p.channels,
    p.outHeight,
    p.outWidth,
    p.windowHeight,
    p.windowWidth,
    p.strideY,
    p.strideX,
  ];
}

function pooling({ wasm, reference, attrs, words, floats }: Context) {
  const maxPoolSelect: Kernels['maxPoolSelect'] = (out, x, t, shape) => {
    if (!floats(out, x, t)) return reference.maxPoolSelect(out, x, t, shape);
    words.set(poolWords(shape));
    wasm.maxPoolSelect(out.byteOffset, x.byteOffset, t.byteOffset, attrs);
  };
  return {
    maxPoolSelect,
    maxPool(out, x, shape) {
      maxPoolSelect(out, x, x, shape);
    },
    maxPoolScatter(out, x, g, shape) {
      if (!floats(out, x, g)) return reference.maxPoolScatter(out, x, g, shape);
      words.set(poolWords(shape));
      wasm.maxPoolScatter(out.byteOffset, x.byteOffset, g.byteOffset, attrs);
    },
  } satisfies Partial<Kernels>;
}

function random({ wasm, reference, work, floats, inside }: Context) {
  return {
    randomBits(out, key) {
      if (!inside(out)) return reference.randomBits(out, key);
      wasm.randomBits(out.byteOffset, out.length, key[0]!, key[1]!, work);
    },
    unitFromBits(out, bits) {
      if (!floats(out) || !inside(bits)) return reference.unitFromBits(out, bits);
      wasm.unitFromBits(out.byteOffset, bits.byteOffset, out.length);
    },
  } satisfies Partial<Kernels>;
}

/** Which NaNs an array may hold, as `assembly/digest.ts` numbers them. */
function nansOf(x: TypedArray): number {
  if (x instanceof Float32Array) return 1;
  return x instanceof Float64Array ? 2 : 0;
}

function digests({ wasm, reference, work, attrs, words, inside }: Context) {
  return {
    digest(out, x) {
      if (!inside(x)) return reference.digest(out, x);
      wasm.digest(nansOf(x), attrs, x.byteOffset, x.byteLength, work);
      out[0] = words[0]!;
      out[1] = words[1]!;
    },
  } satisfies Partial<Kernels>;
}
