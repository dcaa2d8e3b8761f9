/** Exports traced programs as ONNX models. */
export type { OnnxInput, OnnxModel, OnnxOptions } from './export.ts';
export { exportOnnx } from './export.ts';
export type { LayerModel, ModelExportOptions, Variables } from './model.ts';
export { exportModel, initialVariables, tensorsOf } from './model.ts';
