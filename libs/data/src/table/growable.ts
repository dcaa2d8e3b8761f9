/** A list of numbers in a typed array whose capacity doubles when it is full. */
export interface Growable<T> {
  push(value: number): void;
  /** The values so far, in an array of exactly their length. */
  finish(): T;
}

export function growable<T extends Float64Array | Int32Array>(create: (length: number) => T): Growable<T> {
  let values = create(1024);
  let length = 0;
  return {
    push(value) {
      if (length === values.length) {
        const larger = create(2 * length);
        larger.set(values);
        values = larger;
      }
      values[length++] = value;
    },
    finish: () => values.slice(0, length) as T,
  };
}
