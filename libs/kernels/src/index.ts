/** Loops into a given output: TypeScript reference, wasm SIMD and native C++. */
export {
  createKernels,
  createMovingKernels,
  offeredProfiles,
  type ProfileStatus,
  profileStatus,
} from './choose.ts';
export { convolutionAlgorithm, kernelGradAlgorithm } from './convolution-algorithm.ts';
export type { RunningAttrs } from './host/cumulative.ts';
export { runningExtreme, runningSum } from './host/cumulative.ts';
export type { HostBinaryOp, HostOrderedOp, HostUnaryOp } from './host/index.ts';
export { hostBinary, hostOrdered, hostUnary } from './host/index.ts';
export { hostMath } from './host/scalars.ts';
export { qr, qrRoom } from './host-linear/orthogonal.ts';
export { argSort, lastPlaces, searchSorted } from './host-linear/sorting.ts';
export { eigh, eighRoom, pseudoInverse, svd, svdRoom } from './host-linear/spectra.ts';
export type { DeterminantPart, TriangleAttrs } from './host-linear/systems.ts';
export { cholesky, determinant, luRoom, solve, triangularSolve } from './host-linear/systems.ts';
export type {
  BackendName,
  Conv2dAttrs,
  ConvolutionAlgorithm,
  FusedAttrs,
  FusedInstruction,
  Kernels,
  MatmulAttrs,
  MomentsAttrs,
  Operand,
  PoolAttrs,
  Profile,
  ReduceAttrs,
  SegmentedContractionAttrs,
  StridedAttrs,
} from './kernels.ts';
export { type InstructionSet, type NativeStatus, nativeStatus } from './native/addon.ts';
export { createNativeKernels } from './native/native.ts';
export type { BinaryOp, CompareOp, ElementwiseOp, ReduceOp, UnaryOp } from './operations.ts';
export { referenceKernels } from './reference/index.ts';
export { createEagerKernels } from './wasm/eager.ts';
export { createWasmKernels, MIN_SCRATCH_BYTES, type WasmOptions } from './wasm/wasm.ts';
export { createMemory, type WasmMemory } from './wasm/webassembly.ts';
