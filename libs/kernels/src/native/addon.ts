import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { TypedArray } from '@lockstep/tensor';

const instructionSets = ['avx512', 'avx2', 'neon'] as const;
export type InstructionSet = (typeof instructionSets)[number];

/** The exports of `native/addon.cc` for an instruction set. They do not check their arguments. */
export interface NativeExports {
  unary(op: number, out: TypedArray, x: TypedArray): void;
  /** Binary operations and comparisons. */
  binary(
    op: number,
    out: TypedArray,
    a: TypedArray,
    aRepeat: number,
    aPeriod: number,
    b: TypedArray,
    bRepeat: number,
    bPeriod: number,
  ): void;
  select(
    op: number,
    out: TypedArray,
    condition: TypedArray,
    repeat: number,
    period: number,
    a: TypedArray,
    aRepeat: number,
    aPeriod: number,
    b: TypedArray,
    bRepeat: number,
    bPeriod: number,
  ): void;
  /**
   * @param program Words of {@link FusedProgram}.
   * @param sizes The chain's length, then repeat and period of each operand.
   * @param arrays Outputs, then operands.
   */
  fused(program: Int32Array, sizes: Float64Array, ...arrays: readonly TypedArray[]): void;
  fill(out: TypedArray, value: number): void;
  copy(out: TypedArray, x: TypedArray): void;
  cast(out: TypedArray, x: TypedArray): void;
  reduce(op: number, out: TypedArray, x: TypedArray, outer: number, size: number, inner: number): void;
  argmax(out: Int32Array, x: TypedArray, outer: number, size: number, inner: number): void;
  treeSum(out: TypedArray, x: TypedArray, segments: number, size: number): void;
  moments(
    out: TypedArray,
    x: TypedArray,
    weights: TypedArray,
    segments: number,
    rows: number,
    inner: number,
    channels: number,
  ): void;
  treeMoments(out: TypedArray, x: TypedArray, segments: number, channels: number): void;
  /** Offsets are in elements. `view` holds rank, shape, strides of `to`, strides of `from`. */
  copyStrided(to: TypedArray, toOffset: number, from: TypedArray, fromOffset: number, view: Int32Array): void;
  maxPoolSelect(out: TypedArray, x: TypedArray, t: TypedArray, pool: Int32Array): void;
  maxPoolScatter(out: TypedArray, x: TypedArray, g: TypedArray, pool: Int32Array): void;
  gather(out: TypedArray, table: TypedArray, indices: Int32Array, rows: number, width: number): void;
  scatterAdd(out: TypedArray, updates: TypedArray, indices: Int32Array, rows: number, width: number): void;
  randomBits(out: Uint32Array, key: Uint32Array): void;
  unitFromBits(out: TypedArray, bits: Uint32Array): void;
  digest(out: Uint32Array, x: TypedArray): void;
  matmul(out: TypedArray, a: TypedArray, b: TypedArray, shape: Int32Array): void;
  segmentedContraction(out: TypedArray, a: TypedArray, b: TypedArray, shape: Int32Array): void;
  conv2d(out: TypedArray, x: TypedArray, kernel: TypedArray, shape: Int32Array): void;
  conv2dInputGrad(out: TypedArray, dy: TypedArray, kernel: TypedArray, shape: Int32Array): void;
  conv2dKernelGrad(
    out: TypedArray,
    x: TypedArray,
    dy: TypedArray,
    shape: Int32Array,
    segments: number,
    stack: number,
  ): void;
  adviseLargePages(memory: Uint8Array): void;
}

/** The native kernels that this machine can run, or why it has none. */
export type NativeStatus =
  | { readonly available: true; readonly instructionSet: InstructionSet }
  | { readonly available: false; readonly reason: string };

type Addon = Readonly<Partial<Record<InstructionSet, NativeExports>>>;
type Loaded = { readonly addon: Addon } | { readonly reason: string };

const path = fileURLToPath(new URL('../../build/native.node', import.meta.url));

let loaded: Loaded | undefined;

/** Loads the addon once per thread. */
function load(): Loaded {
  loaded ??= loadAddon();
  return loaded;
}

function loadAddon(): Loaded {
  if (!existsSync(path)) return { reason: `${path} is not built; run npm run build to see why` };
  try {
    return { addon: createRequire(import.meta.url)(path) as Addon };
  } catch (error) {
    return { reason: `${path} does not load: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The instruction sets that the build and this machine share, best first. */
export function availableSets(): readonly InstructionSet[] {
  const result = load();
  return 'addon' in result ? instructionSets.filter((set) => result.addon[set] !== undefined) : [];
}

/**
 * Whether this machine runs native kernels, and with which instruction set. `LOCKSTEP_NATIVE=off` switches them off,
 * `LOCKSTEP_NATIVE=avx2` and the like choose the instruction set.
 */
export function nativeStatus(): NativeStatus {
  const wish = process.env.LOCKSTEP_NATIVE ?? '';
  if (wish === 'off')
    return { available: false, reason: 'LOCKSTEP_NATIVE=off switches the native kernels off' };
  const result = load();
  if ('reason' in result) return { available: false, reason: result.reason };
  const sets = availableSets();
  const instructionSet = wish === '' ? sets[0] : sets.find((set) => set === wish);
  if (instructionSet !== undefined) return { available: true, instructionSet };
  const reason =
    sets.length === 0
      ? 'this processor has no fused multiply-add (AVX2 with FMA, or NEON)'
      : `LOCKSTEP_NATIVE=${wish}: this machine has ${sets.join(' and ')}`;
  return { available: false, reason };
}

/** The exports for one of {@link availableSets}. */
export function exportsFor(set: InstructionSet): NativeExports | undefined {
  const result = load();
  return 'addon' in result ? result.addon[set] : undefined;
}

/**
 * Asks the system for large pages for memory that nothing has touched yet. This is a hint: it does nothing without native
 * kernels or on systems other than Linux.
 */
export function adviseLargePages(memory: SharedArrayBuffer): void {
  const status = nativeStatus();
  if (status.available) exportsFor(status.instructionSet)?.adviseLargePages(new Uint8Array(memory));
}
