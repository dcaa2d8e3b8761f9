/**
 * The array type: a {@link Tensor} is a value that ops take and give, a {@link ConcreteTensor} one whose elements are
 * known.
 */

import { LockstepError } from '@lockstep/errors';
import { type DType, formatShape, type Shape, type Storage, type TypedArray } from '@lockstep/tensor';

/** The abstract value of a tensor: all that is known of a tensor while a program is traced. */
export interface Aval {
  readonly dtype: DType;
  readonly shape: Shape;
}

/**
 * An immutable array of numbers of one element type, concrete or traced. Many ops are also its methods:
 * `x.matmul(w).add(b).sigmoid()`.
 */
export abstract class Tensor implements Aval {
  abstract readonly dtype: DType;
  abstract readonly shape: Shape;

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return this.shape.reduce((size, length) => size * length, 1);
  }

  /** The concrete elements. Throws `trace` inside `jit` or `vmap`, where tensors have no elements. */
  abstract get data(): TypedArray;

  /** The only element of a tensor of size 1, as a number. */
  item(): number {
    const { data } = this;
    if (data.length !== 1) {
      throw new LockstepError(
        'shape',
        `item: a tensor of shape ${formatShape(this.shape)} has ${data.length} elements, not one; use toArray() or reduce it first`,
        { shape: this.shape },
      );
    }
    return data[0]!;
  }

  /** The elements as nested arrays; a number for a scalar. */
  toArray(): NestedNumbers {
    return nest(this.data, this.shape, 0, 0).value;
  }

  valueOf(): number {
    return this.item();
  }

  toJSON(): NestedNumbers {
    return this.toArray();
  }

  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

export type NestedNumbers = number | NestedNumbers[];

function nest(
  data: TypedArray,
  shape: Shape,
  axis: number,
  from: number,
): { value: NestedNumbers; next: number } {
  if (axis === shape.length) return { value: data[from]!, next: from + 1 };
  const items: NestedNumbers[] = [];
  let next = from;
  for (let i = 0; i < shape[axis]!; i++) {
    const item = nest(data, shape, axis + 1, next);
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}

/** A tensor whose elements are known. Its data are never written after construction. */
export class ConcreteTensor extends Tensor {
  readonly storage: Storage;

  constructor(storage: Storage) {
    super();
    this.storage = storage;
  }

  override get dtype(): DType {
    return this.storage.dtype;
  }

  override get shape(): Shape {
    return this.storage.shape;
  }

  override get data(): TypedArray {
    return this.storage.data;
  }

  override toString(): string {
    const { size } = this;
    return size <= 64 ? `${JSON.stringify(this.toArray())}` : super.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Tensor ${super.toString()} ${this.toString()}`;
  }
}
