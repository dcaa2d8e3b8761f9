/** Traced programs as ONNX models. */
export type { OnnxInput, OnnxModel, OnnxOptions } from './export.ts';
export { exportOnnx } from './export.ts';
export type { LayerModel, ModelExportOptions, Variables } from './model.ts';
export { asTensors, exportModel, initialVariables } from './model.ts';
