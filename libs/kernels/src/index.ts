/** Loops into a given output: TypeScript reference and wasm SIMD. */
export type {
  BackendName,
  BinaryOp,
  CompareOp,
  Conv2dAttrs,
  Kernels,
  MatmulAttrs,
  MomentsAttrs,
  Operand,
  PoolAttrs,
  Profile,
  ReduceAttrs,
  ReduceOp,
  SegmentedContractionAttrs,
  StridedAttrs,
  UnaryOp,
} from './kernels.ts';
export { referenceKernels } from './reference/index.ts';
