// Compiles libs/kernels/assembly to libs/kernels/build/*.wasm, unless the outputs are newer than the sources.
export {};
