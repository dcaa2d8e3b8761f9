import { referenceKernels } from '../reference/index.ts';
import { runs } from './module.ts';
import { createWasmKernels, MIN_SCRATCH_BYTES } from './wasm.ts';
import { createMemory } from './webassembly.ts';

export type WasmFmaStatus =
  | { readonly offered: true }
  /** Words that follow "not offered: ". */
  | { readonly offered: false; readonly reason: string };

let status: WasmFmaStatus | undefined;

/**
 * Whether the kernels of relaxed SIMD compute profile `fma` on this host. A host whose processor has no fused multiply-add
 * may run the instructions and round twice. The answer is found once per thread.
 */
export function wasmFmaStatus(): WasmFmaStatus {
  status ??= probe();
  return status;
}

function probe(): WasmFmaStatus {
  if (!runs('fma')) return { offered: false, reason: `Node ${process.version} has no relaxed SIMD` };
  if (!fuses()) return { offered: false, reason: 'relaxed SIMD does not fuse on this machine' };
  return { offered: true };
}

/** Multiplies matrices of one whole tile, in which every element has other bits if the product is rounded. */
function fuses(): boolean {
  const [m, n, k] = [4, 8, 2];
  const attrs = { batch: 1, m, n, k, transposeA: false, transposeB: false, batchA: true, batchB: true };
  const memory = createMemory(MIN_SCRATCH_BYTES + 4 * (m * k + k * n + m * n));
  const kernels = createWasmKernels({
    memory,
    scratchOffset: 0,
    scratchBytes: MIN_SCRATCH_BYTES,
    profile: 'fma',
  });
  const a = new Float32Array(memory.buffer, MIN_SCRATCH_BYTES, m * k);
  const b = new Float32Array(memory.buffer, a.byteOffset + a.byteLength, k * n);
  const out = new Float32Array(memory.buffer, b.byteOffset + b.byteLength, m * n);
  // −1 + (1 + u)(1 − u) is −u² when rounded once, and 0 when the product is rounded to 1.
  for (let i = 0; i < m; i++) a.set([-1, 1 + 1 / (1 << (13 + i))], 2 * i);
  for (let j = 0; j < n; j++) b.set([1], j);
  for (let j = 0; j < n; j++) b.set([1 - 1 / (1 << (13 + (j % 4)))], n + j);
  const expected = new Float32Array(m * n);
  kernels.matmul(out, a, b, attrs);
  referenceKernels('fma').matmul(expected, a, b, attrs);
  return out.every((value, i) => value === expected[i]);
}
