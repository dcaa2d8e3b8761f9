import { dtypeOf, type TypedArray, viewOf } from '@lockstep/tensor';
import { allowedNative } from '../choose.ts';
import type { Conv2dAttrs, Kernels, Operand, Profile } from '../kernels.ts';
import { createNativeKernels } from '../native/native.ts';
import { referenceKernels } from '../reference/index.ts';
import { wasmFmaStatus } from './fma.ts';
import { createWasmKernels, MIN_SCRATCH_BYTES } from './wasm.ts';
import { createMemory, MAX_PAGES, PAGE_BYTES } from './webassembly.ts';

/** A contraction with fewer multiplications takes less time than the copies to and from the wasm memory. */
const MIN_PRODUCTS = 4096;
/** The same for the elements of an elementwise kernel or a sum. */
const MIN_ELEMENTS = 1024;
/** An elementwise kernel over fewer elements takes less time than a native call; such arrays lie on the JavaScript heap. */
const MIN_NATIVE = 32;

type Run = (kernels: Kernels, out: TypedArray, inputs: readonly TypedArray[]) => void;

type Stage = (run: Run, out: TypedArray, ...inputs: readonly TypedArray[]) => void;

/** Runs kernels in a wasm memory of its own, which grows as needed: copies inputs into it and the result out of it. */
function createStage(profile: Profile): Stage {
  const reference = referenceKernels(profile);
  if (profile === 'fma' && !wasmFmaStatus().offered)
    return (run, out, ...inputs) => run(reference, out, inputs);
  const memory = createMemory(2 * MIN_SCRATCH_BYTES);
  const build = () =>
    createWasmKernels({ memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES, profile });
  let kernels = build();

  const reserve = (bytes: number): boolean => {
    const have = memory.buffer.byteLength / PAGE_BYTES;
    const need = Math.ceil(bytes / PAGE_BYTES);
    if (need > MAX_PAGES) return false;
    if (need <= have) return true;
    memory.grow(Math.min(Math.max(need, 2 * have), MAX_PAGES) - have);
    kernels = build();
    return true;
  };

  return (run, out, ...inputs) => {
    const offsets: number[] = [];
    let end = MIN_SCRATCH_BYTES;
    for (const array of [out, ...inputs]) {
      offsets.push(end);
      end += Math.ceil(array.byteLength / 16) * 16;
    }
    if (!reserve(end)) {
      run(reference, out, inputs);
      return;
    }
    const [staged, ...copies] = [out, ...inputs].map((array, i) =>
      viewOf(dtypeOf(array), memory.buffer, offsets[i]!, array.length),
    );
    inputs.forEach((array, i) => {
      copies[i]!.set(array);
    });
    run(kernels, staged!, copies);
    out.set(staged!);
  };
}

function isFloat32(...arrays: readonly TypedArray[]): boolean {
  return arrays.every((array) => array instanceof Float32Array);
}

function convProducts(c: Conv2dAttrs): number {
  return c.batch * c.outHeight * c.outWidth * c.outChannels * c.kernelHeight * c.kernelWidth * c.inChannels;
}

function withData(operand: Operand, data: TypedArray): Operand {
  return { ...operand, data };
}

function stagedSums(stage: Stage, reference: Kernels) {
  return {
    unary(op, out, x) {
      if (op === 'not' || out.length < MIN_ELEMENTS || !isFloat32(out, x)) return reference.unary(op, out, x);
      stage((k, o, [input]) => k.unary(op, o, input!), out, x);
    },
    binary(op, out, a, b) {
      if (out.length < MIN_ELEMENTS || !isFloat32(out, a.data, b.data))
        return reference.binary(op, out, a, b);
      stage((k, o, [x, y]) => k.binary(op, o, withData(a, x!), withData(b, y!)), out, a.data, b.data);
    },
    reduce(op, out, x, attrs) {
      if (x.length < MIN_ELEMENTS || !isFloat32(out, x)) return reference.reduce(op, out, x, attrs);
      stage((k, o, [input]) => k.reduce(op, o, input!, attrs), out, x);
    },
    moments(out, x, weights, attrs) {
      if (x.length < MIN_ELEMENTS || !isFloat32(out, x, weights))
        return reference.moments(out, x, weights, attrs);
      stage((k, o, [input, w]) => k.moments(o, input!, w!, attrs), out, x, weights);
    },
    digest(out, x) {
      if (x.length < MIN_ELEMENTS) return reference.digest(out, x);
      stage((k, o, [input]) => k.digest(o as Uint32Array, input!), out, x);
    },
  } satisfies Partial<Kernels>;
}

function stagedContractions(stage: Stage, reference: Kernels) {
  return {
    matmul(out, a, b, attrs) {
      const products = attrs.batch * attrs.m * attrs.n * attrs.k;
      if (products < MIN_PRODUCTS || !isFloat32(out, a, b)) return reference.matmul(out, a, b, attrs);
      stage((k, o, [x, y]) => k.matmul(o, x!, y!, attrs), out, a, b);
    },
    segmentedContraction(out, a, b, attrs) {
      const products = attrs.segments * attrs.rows * attrs.m * attrs.n;
      if (products < MIN_PRODUCTS || !isFloat32(out, a, b))
        return reference.segmentedContraction(out, a, b, attrs);
      stage((k, o, [x, y]) => k.segmentedContraction(o, x!, y!, attrs), out, a, b);
    },
    conv2d(out, x, kernel, attrs) {
      if (convProducts(attrs) < MIN_PRODUCTS || !isFloat32(out, x, kernel)) {
        return reference.conv2d(out, x, kernel, attrs);
      }
      stage((k, o, [a, b]) => k.conv2d(o, a!, b!, attrs), out, x, kernel);
    },
    conv2dInputGrad(out, dy, kernel, attrs) {
      if (convProducts(attrs) < MIN_PRODUCTS || !isFloat32(out, dy, kernel)) {
        return reference.conv2dInputGrad(out, dy, kernel, attrs);
      }
      stage((k, o, [a, b]) => k.conv2dInputGrad(o, a!, b!, attrs), out, dy, kernel);
    },
    conv2dKernelGrad(out, x, dy, attrs) {
      if (convProducts(attrs) < MIN_PRODUCTS || !isFloat32(out, x, dy)) {
        return reference.conv2dKernelGrad(out, x, dy, attrs);
      }
      stage((k, o, [a, b]) => k.conv2dKernelGrad(o, a!, b!, attrs), out, x, dy);
    },
  } satisfies Partial<Kernels>;
}

/** Native kernels, except that arrays too small for a native call go to the reference. */
function nativeForLarge(native: Kernels, reference: Kernels): Kernels {
  return {
    ...native,
    unary: (op, out, x) => (out.length < MIN_NATIVE ? reference : native).unary(op, out, x),
    binary: (op, out, a, b) => (out.length < MIN_NATIVE ? reference : native).binary(op, out, a, b),
  };
}

/**
 * Kernels for arrays in ordinary memory. Native kernels read them in place. Large float32 arrays are copied through a wasm
 * memory for contractions of profile `portable` and, without native kernels, for all contractions, sums and elementwise
 * kernels. The reference kernels do the rest. The bits are those of the profile in every case.
 */
export function createEagerKernels(profile: Profile = 'portable'): Kernels {
  const reference = referenceKernels(profile);
  const native = allowedNative().available ? createNativeKernels() : undefined;
  const large = native && nativeForLarge(native, reference);
  if (large && profile === native.profile) return large;
  const stage = createStage(profile);
  const others = large ?? { ...reference, name: 'wasm', ...stagedSums(stage, reference) };
  return { ...others, profile, ...stagedContractions(stage, reference) };
}
