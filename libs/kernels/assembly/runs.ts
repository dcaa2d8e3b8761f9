/** Runs of elements, and the blocks of an operand that an elementwise loop reads. */

/** Elements of a block. Loops read operands block by block. */
@inline export const BLOCK: i32 = 1024;
@inline export const BLOCK_BYTES: usize = 4096;

@inline export function floatsAt(base: usize, index: i32): usize {
  return base + ((<usize>index) << 2);
}

/** to[0 … count − 1] = from[0 … count − 1]; the two do not overlap. */
@inline export function copyRun<T>(to: usize, from: usize, count: i32): void {
  const lanes = 16 / <i32>sizeof<T>();
  for (; count >= lanes; count -= lanes, to += 16, from += 16) v128.store(to, v128.load(from));
  for (; count > 0; count--, to += sizeof<T>(), from += sizeof<T>()) store<T>(to, load<T>(from));
}

@inline export function fillRun<T>(to: usize, value: T, count: i32): void {
  const lanes = 16 / <i32>sizeof<T>();
  const wide = v128.splat<T>(value);
  for (; count >= lanes; count -= lanes, to += 16) v128.store(to, wide);
  for (; count > 0; count--, to += sizeof<T>()) store<T>(to, value);
}

/**
 * The operand's elements `start` … `start + count − 1` as a contiguous block: in place if they are contiguous, else written
 * to `buffer`. A scalar has `repeat` 1 and is written once, for the first and longest block.
 */
export function operandBlock<T>(
  data: usize, repeat: u32, period: u32, start: u32, count: i32, buffer: usize,
): usize {
  const size = sizeof<T>();
  if (repeat == 1) {
    let at = start % period;
    if (<u32>count <= period - at) return data + <usize>at * size;
    if (period == 1) {
      if (start == 0) fillRun<T>(buffer, load<T>(data), count);
      return buffer;
    }
    for (let i = 0; i < count; ) {
      const run = min(<i32>(period - at), count - i);
      copyRun<T>(buffer + <usize>i * size, data + <usize>at * size, run);
      i += run;
      at = 0;
    }
    return buffer;
  }
  let row = start / repeat % period;
  let left = repeat - start % repeat;
  for (let i = 0; i < count; ) {
    const run = min(<i32>left, count - i);
    fillRun<T>(buffer + <usize>i * size, load<T>(data + <usize>row * size), run);
    i += run;
    left = repeat;
    if (++row == period) row = 0;
  }
  return buffer;
}
