/** Layers that only rearrange or summarise. */
import { avgPool as averageWindows, maxPool as maximumOfWindows, type Tensor } from '@lockstep/autodiff';
import { type Empty, type Layer, weightless } from './layer.ts';

type Size = number | readonly [number, number];

/** The largest element of each window; windows that stick out are left off. [rows, H, W, C] → [rows, H′, W′, C] */
export const maxPool = (size: Size, stride: Size = size): Layer<Empty, Empty> =>
  weightless('maxPool', (x) => maximumOfWindows(x, size, stride));

/** The mean of each window; the windows tile the image. [rows, H, W, C] → [rows, H/size, W/size, C] */
export const avgPool = (size: Size): Layer<Empty, Empty> =>
  weightless('avgPool', (x) => averageWindows(x, size));

/** The mean over height and width. [rows, H, W, C] → [rows, C] */
export function globalAvgPool(x: Tensor): Tensor {
  return x.mean([1, 2]);
}
