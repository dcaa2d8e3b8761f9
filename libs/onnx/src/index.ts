/** Traced programs as ONNX models. */
export {};
