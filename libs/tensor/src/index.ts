export type { DType, FloatDType, ShortArray, TypedArray } from './dtype.ts';
export {
  allocate,
  bytesPerElement,
  dtypeOf,
  dtypes,
  heldBy,
  holds,
  isFloat,
  isShort,
  viewOf,
  wholeRange,
} from './dtype.ts';
export { type Histogram, histogram, histogramEdges } from './histogram.ts';
export type { Shape } from './shape.ts';
export {
  broadcastShapes,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  sizeOf,
  stridesOf,
} from './shape.ts';
export type { Storage } from './storage.ts';
export { allocateStorage } from './storage.ts';
