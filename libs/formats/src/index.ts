/** Files of arrays: safetensors, NPY and NPZ. */
export type { ReadArraysOptions } from './files.ts';
export { readArrays, writeArrays } from './files.ts';
export { foreignKind } from './foreign.ts';
export type { Nested } from './names.ts';
export { nameArrays, nestArrays } from './names.ts';
export type { NpyOptions } from './npy.ts';
export { decodeNpy, encodeNpy } from './npy.ts';
export type { NpzOptions } from './npz.ts';
export { decodeNpz, encodeNpz } from './npz.ts';
export type { Metadata, Tensors } from './safetensors.ts';
export { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
