/** Copies between two strided views of elements of four bytes. Strides are in elements. */
import { copyRun } from './runs';

/** Shape and strides of both views, one i32 each, `rank` ≥ 2 of each in turn. */
@inline function shapeAt(view: usize, rank: i32, row: i32, axis: i32): i32 {
  return load<i32>(view + ((<usize>(row * rank + axis)) << 2));
}

/** to[x][y] = from[y][x] in 4×4 blocks. Rows of `to` are `toStep` bytes apart, rows of `from` `fromStep` bytes. */
function transpose(to: usize, toStep: isize, from: usize, fromStep: isize, rows: i32, columns: i32): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    let t = to + <isize>i * toStep;
    let f = from + <isize>(i << 2);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const r0 = v128.load(f), r1 = v128.load(f + fromStep);
      const r2 = v128.load(f + 2 * fromStep), r3 = v128.load(f + 3 * fromStep);
      const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), b = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const c = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(t, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
      v128.store(t + toStep, v128.shuffle<f32>(a, b, 2, 3, 6, 7));
      v128.store(t + 2 * toStep, v128.shuffle<f32>(c, d, 0, 1, 4, 5));
      v128.store(t + 3 * toStep, v128.shuffle<f32>(c, d, 2, 3, 6, 7));
      t += 16;
      f += 4 * fromStep;
    }
    for (; j < columns; j++, t += 4, f += fromStep) {
      for (let r = 0; r < 4; r++) store<i32>(t + <isize>r * toStep, load<i32>(f + <isize>(r << 2)));
    }
  }
  for (; i < rows; i++) {
    let t = to + <isize>i * toStep;
    let f = from + <isize>(i << 2);
    for (let j = 0; j < columns; j++, t += 4, f += fromStep) store<i32>(t, load<i32>(f));
  }
}

/** Copies the two innermost axes. Steps are in bytes. */
function copyPlane(
  to: usize, toStep: isize, toUnit: isize, from: usize, fromStep: isize, fromUnit: isize, rows: i32, columns: i32,
): void {
  if (toUnit == 4 && fromStep == 4 && fromUnit != 4) {
    transpose(to, toStep, from, fromUnit, rows, columns);
    return;
  }
  for (; rows > 0; rows--, to += toStep, from += fromStep) {
    if (toUnit == 4 && fromUnit == 4) {
      copyRun<f32>(to, from, columns);
    } else {
      let t = to, f = from;
      for (let j = columns; j > 0; j--, t += toUnit, f += fromUnit) store<i32>(t, load<i32>(f));
    }
  }
}

function copyAxis(to: usize, from: usize, view: usize, rank: i32, axis: i32): void {
  const toStep = <isize>shapeAt(view, rank, 1, axis) << 2;
  const fromStep = <isize>shapeAt(view, rank, 2, axis) << 2;
  const length = shapeAt(view, rank, 0, axis);
  if (axis == rank - 2) {
    const toUnit = <isize>shapeAt(view, rank, 1, axis + 1) << 2;
    const fromUnit = <isize>shapeAt(view, rank, 2, axis + 1) << 2;
    copyPlane(to, toStep, toUnit, from, fromStep, fromUnit, length, shapeAt(view, rank, 0, axis + 1));
    return;
  }
  for (let i = 0; i < length; i++, to += toStep, from += fromStep) copyAxis(to, from, view, rank, axis + 1);
}

/** `view` holds shape, strides of `to` and strides of `from`, `rank` words each. */
export function copyStrided(to: usize, from: usize, view: usize, rank: i32): void {
  copyAxis(to, from, view, rank, 0);
}
