import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { PoolAttrs } from '../kernels.ts';
import { arithmeticOf } from './arithmetic.ts';
import { isLarger } from './reduce.ts';

/** Calls `visit` with each output index and the index in x of the first maximum of its window; NaN is largest. */
function forEachMaximum(
  x: TypedArray,
  attrs: PoolAttrs,
  visit: (output: number, place: number) => void,
): void {
  const { batch, height, width, channels, outHeight, outWidth } = attrs;
  let output = 0;
  for (let image = 0; image < batch; image++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const corner = (image * height + oy * attrs.strideY) * width + ox * attrs.strideX;
        for (let c = 0; c < channels; c++) {
          let place = corner * channels + c;
          for (let wy = 0; wy < attrs.windowHeight; wy++) {
            for (let wx = 0; wx < attrs.windowWidth; wx++) {
              const candidate = (corner + wy * width + wx) * channels + c;
              if (isLarger(x[candidate]!, x[place]!)) place = candidate;
            }
          }
          visit(output++, place);
        }
      }
    }
  }
}

export function maxPool(out: TypedArray, x: TypedArray, attrs: PoolAttrs): void {
  maxPoolSelect(out, x, x, attrs);
}

export function maxPoolSelect(out: TypedArray, x: TypedArray, t: TypedArray, attrs: PoolAttrs): void {
  forEachMaximum(x, attrs, (output, place) => {
    out[output] = t[place]!;
  });
}

export function maxPoolScatter(out: TypedArray, x: TypedArray, g: TypedArray, attrs: PoolAttrs): void {
  const { add } = arithmeticOf('maxPoolScatter', dtypeOf(out));
  out.fill(0);
  forEachMaximum(x, attrs, (output, place) => {
    out[place] = add(out[place]!, g[output]!);
  });
}
