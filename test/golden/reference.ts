/** Reads the reference data of pytorch/ and measures how far a result is from it. */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from '@lockstep/autodiff';
import { decodeSafetensors } from '@lockstep/formats';
import type { FloatDType } from '@lockstep/tensor';
import { flatten, map, type Tree } from '@lockstep/tree';

export interface Reference {
  /** The tensor of a name, as stored. */
  (name: string): Tensor;
  readonly names: readonly string[];
}

/** The tensors of one file, by name. */
export function readReference(file: string): Reference {
  const { tensors } = decodeSafetensors(
    readFileSync(new URL(`pytorch/${file}.safetensors`, import.meta.url)),
  );
  const get = (name: string): Tensor => {
    const storage = tensors[name];
    if (storage === undefined) throw new Error(`${file}.safetensors has no tensor '${name}'`);
    return tensor(storage.data, { shape: storage.shape, dtype: storage.dtype });
  };
  return Object.assign(get, { names: Object.keys(tensors) });
}

/** Both precisions a reference was computed in, and the ending of its names. */
export const precisions = [
  { dtype: 'float64', suffix: '64' },
  { dtype: 'float32', suffix: '32' },
] as const satisfies readonly { dtype: FloatDType; suffix: string }[];

/** A tree of tensors in another precision. */
export function castTree<T extends Tree<Tensor>>(tree: T, dtype: FloatDType): T {
  return map((x: Tensor) => x.cast(dtype), tree as Tree<Tensor>) as T;
}

/** The largest |actual − expected| / (1 + |expected|) over the elements of two trees of one structure. */
export function distance(actual: Tree<Tensor>, expected: Tree<Tensor>): number {
  const worst = map(
    (a: Tensor, e: Tensor) => {
      if (a.shape.join() !== e.shape.join()) throw new Error(`shapes differ: ${a.shape} and ${e.shape}`);
      return Array.from(a.data).reduce((most, value, i) => {
        const error = Math.abs(value - e.data[i]!) / (1 + Math.abs(e.data[i]!));
        return Number.isNaN(error) ? Number.NaN : Math.max(most, error);
      }, 0);
    },
    actual,
    expected,
  );
  return Math.max(...(flatten(worst).leaves as number[]));
}
