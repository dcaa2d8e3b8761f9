import type { DType } from '@lockstep/tensor';

/** The numbers of element types in ONNX. Source: onnx.proto, TensorProto.DataType. */
export const elementTypes = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  uint32: 12,
} as const satisfies Record<DType | 'int64', number>;
