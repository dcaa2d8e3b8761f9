/** Types of transformed functions. */
import type { TypedArray } from '@lockstep/tensor';
import type { Tensor } from '../core.ts';

/** What a caller may give for an argument: a number or typed array wherever the function takes a tensor. */
export type Input<T> = T extends Tensor
  ? Tensor | number | TypedArray
  : T extends readonly unknown[]
    ? { readonly [K in keyof T]: Input<T[K]> }
    : T extends object
      ? { readonly [K in keyof T]: Input<T[K]> }
      : T;

/** What a function gives back, seen from outside: tensors stay tensors. */
export type Output<T> = T;

export type Inputs<Args extends readonly unknown[]> = { readonly [K in keyof Args]: Input<Args[K]> };
