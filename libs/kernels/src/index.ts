/** Loops into a given output: TypeScript reference and wasm SIMD. */
export {};
