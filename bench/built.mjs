/**
 * The two built libraries beneath the umbrella that a bench needs to run single steps. They are loaded from their
 * folders, by their one entry each, because this folder is no workspace and the root package declares the umbrella
 * alone. The architecture test reads literal imports and does not see these: once a manifest can declare the two,
 * this file becomes two imports.
 */
const entry = (library) => new URL(`../libs/${library}/dist/index.js`, import.meta.url).href;

export const { createMemory, createWasmKernels, MIN_SCRATCH_BYTES } = await import(entry('kernels'));
export const { compilePrograms, createExecutor, layoutWorker, other, resolveConfig, viewer } = await import(
  entry('training')
);
