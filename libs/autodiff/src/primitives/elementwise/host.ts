/**
 * Elementwise primitives with one kernel for all backends: it computes in doubles on the host and rounds once. They end
 * a fused chain, so frequent functions are also composed of the ops of fusible.ts, at least in float32.
 */
import {
  type HostBinaryOp,
  type HostOrderedOp,
  type HostUnaryOp,
  hostBinary,
  hostOrdered,
  hostUnary,
} from '@lockstep/kernels';
import { asTensors, operand, type TensorLike } from '../../convert.ts';
import { bind, outsideOfTraces } from '../../core.ts';
import { primitive } from '../../define.ts';
import type { Attrs, Primitive } from '../../primitive.ts';
import { ConcreteTensor, type Tensor } from '../../tensor.ts';
import { batchElementwise, requireFloat, stretched } from './rules.ts';

/** g times the derivative with respect to one argument, for both modes. */
type UnaryRule = (g: Tensor, x: Tensor, y: Tensor) => Tensor;
type BinaryRule = (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor;

/** A function of one argument. In float32 it is `composed` of other ops, if that is given. [..] → [..] */
export function unaryOnHost(
  name: HostUnaryOp,
  by: UnaryRule,
  composed?: (x: Tensor) => Tensor,
): (x: TensorLike) => Tensor {
  const rule = (g: Tensor, _argument: number, [x]: readonly Tensor[], y: Tensor) => by(g, x!, y);
  const self: Primitive = primitive({
    name,
    inPlace: true,
    differentiable: [0],
    shape: ([x]) => {
      requireFloat(name, x!);
      return { dtype: x!.dtype, shape: x!.shape };
    },
    kernel: (out, [x]) =>
      composed !== undefined && out.dtype === 'float32'
        ? () => {
            const y = outsideOfTraces(() => composed(new ConcreteTensor(x!)));
            out.data.set(y.data);
          }
        : () => hostUnary(name, out.data, x!.data),
    ...(composed && { composed }),
    jvp: rule,
    vjp: rule,
    batch: batchElementwise(() => self),
  });
  return (x) => bind(self, [operand(name, x)], {});
}

/** A function of two arguments that broadcast against each other. Without rules its derivative is 0. */
export function binaryOnHost(
  name: HostBinaryOp,
  by: readonly BinaryRule[],
  { integersToo = false } = {},
): (a: TensorLike, b: TensorLike) => Tensor {
  const rule = (g: Tensor, argument: number, [a, b]: readonly Tensor[], y: Tensor) =>
    by[argument]!(g, a!, b!, y);
  const self: Primitive = primitive({
    name,
    inPlace: true,
    differentiable: by.map((_, argument) => argument),
    shape: ([a]) => {
      if (!integersToo || a!.dtype === 'bool') requireFloat(name, a!);
      return { dtype: a!.dtype, shape: a!.shape };
    },
    kernel:
      (out, [a, b]) =>
      () =>
        hostBinary(name, out.data, a!.data, b!.data),
    jvp: rule,
    vjp: rule,
    batch: batchElementwise(() => self),
  });
  return (a, b) => bind(self, stretched(name, asTensors(name, a, b)), {});
}

interface OrderAttrs extends Attrs {
  readonly order: number;
}

/** A function and its derivatives by order, each the derivative of the one before. [..] → [..] */
export function orderedOnHost(name: HostOrderedOp): (order: number, x: TensorLike) => Tensor {
  const rule = (
    g: Tensor,
    _argument: number,
    [x]: readonly Tensor[],
    _y: Tensor,
    { order }: OrderAttrs,
  ): Tensor => g.mul(bind(self, [x!], { order: order + 1 }));
  const self: Primitive<OrderAttrs> = primitive<OrderAttrs>({
    name,
    inPlace: true,
    differentiable: [0],
    shape: ([x]) => {
      requireFloat(name, x!);
      return { dtype: x!.dtype, shape: x!.shape };
    },
    kernel:
      (out, [x], { order }) =>
      () =>
        hostOrdered(name, order, out.data, x!.data),
    jvp: rule,
    vjp: rule,
    batch: ([x], _batched, attrs) => ({ value: bind(self, [x!], attrs), batched: true }),
  });
  return (order, x) => bind(self, [operand(name, x)], { order });
}
