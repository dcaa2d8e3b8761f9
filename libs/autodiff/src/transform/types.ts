/** Types of transformed functions. */
import type { TypedArray } from '@lockstep/tensor';
import type { Tensor } from '../tensor.ts';

/**
 * What a caller may give for an argument: also a number or typed array wherever the function takes a tensor. The
 * condition asks whether T takes any tensor, so this also holds for `TensorLike` and for arguments of a function that
 * is itself transformed.
 */
export type Input<T> = [Tensor] extends [T]
  ? IsTree<T> extends true
    ? T
    : Tensor | number | TypedArray
  : T extends readonly unknown[]
    ? { readonly [K in keyof T]: Input<T[K]> }
    : T extends object
      ? { readonly [K in keyof T]: Input<T[K]> }
      : T;

/** `Tree<Tensor>` also takes a tensor, but contains arrays of itself: it stays unchanged. */
type IsTree<T> = [readonly T[]] extends [T] ? true : false;

/** The gradient with respect to an argument: a tensor wherever the function takes one. */
export type Gradient<T> = [Tensor] extends [T]
  ? IsTree<T> extends true
    ? T
    : Tensor
  : T extends readonly unknown[] | object
    ? { -readonly [K in keyof T]: Gradient<T[K]> }
    : T;

/** The result of a function as its caller sees it: tensors stay tensors. */
export type Output<T> = T;

export type Inputs<Args extends readonly unknown[]> = { readonly [K in keyof Args]: Input<Args[K]> };
export type Gradients<Args extends readonly unknown[]> = { -readonly [K in keyof Args]: Gradient<Args[K]> };

/** What a function receives for a value: a tensor wherever the value holds a number or a typed array. */
export type Values<T> = T extends Tensor | null | undefined
  ? T
  : T extends number | TypedArray
    ? Tensor
    : T extends readonly unknown[] | object
      ? { [K in keyof T]: Values<T[K]> }
      : T;
