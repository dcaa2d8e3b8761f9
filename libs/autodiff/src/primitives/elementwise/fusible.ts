/**
 * Elementwise primitives that every backend computes and fuses. Binary ones take equal shapes: their wrappers broadcast
 * first. Rules at kinks and ties: relu and abs have derivative 0 at 0; where maximum or minimum ties, each argument
 * gets half.
 */

import { LockstepError, signature } from '@lockstep/errors';
import type { BinaryOp, CompareOp, Operand, UnaryOp } from '@lockstep/kernels';
import type { DType, Storage } from '@lockstep/tensor';
import { asTensors, onesLike, operand, type TensorLike, zerosLike } from '../../convert.ts';
import { bind } from '../../core.ts';
import { primitive } from '../../define.ts';
import { aTensor, tensorLike } from '../../kinds.ts';
import type { Attrs, BoundKernel, Primitive } from '../../primitive.ts';
import { type Aval, Tensor } from '../../tensor.ts';
import { batchElementwise, fullOperand, requireArithmetic, requireFloat, stretched } from './rules.ts';

const none: Attrs = {};

interface UnaryRules {
  readonly name: UnaryOp;
  /** dy/dx in terms of x and y, for both modes. Absent: piecewise constant, derivative 0. */
  readonly derivative?: (x: Tensor, y: Tensor) => Tensor;
  /** The product of g and the derivative, where a plain multiplication does not give it. */
  readonly scale?: (g: Tensor, x: Tensor, y: Tensor) => Tensor;
  /** The whole-number types that the op takes beside floats; the result has the same type. */
  readonly whole?: readonly DType[];
}

/** An elementwise function of one argument. [..] → [..] */
function unary({ name, derivative, scale, whole = [] }: UnaryRules): (x: TensorLike) => Tensor {
  const times = scale ?? (derivative && ((g: Tensor, x: Tensor, y: Tensor) => mul(g, derivative(x, y))));
  const rule = (g: Tensor, _argument: number, [x]: readonly Tensor[], y: Tensor) =>
    times ? times(g, x!, y) : zerosLike(g);
  const self: Primitive = primitive({
    name,
    inPlace: true,
    fusible: true,
    differentiable: [0],
    shape: ([x]) => {
      if (!whole.includes(x!.dtype)) requireFloat(name, x!);
      return { dtype: x!.dtype, shape: x!.shape };
    },
    kernel:
      (out, [x]) =>
      (kernels) =>
        kernels.unary(name, out.data, x!.data),
    jvp: rule,
    vjp: rule,
    batch: batchElementwise(() => self),
  });
  return (x) => bind(self, [operand(name, x)], none);
}

const integers = ['int32', 'uint32'] as const;

const anyWhole = [...integers, 'bool'] as const;

/** −x */
export const neg = unary({ name: 'neg', scale: (g) => neg(g), whole: ['int32'] });

/** |x|, the magnitude. */
export const abs = unary({ name: 'abs', derivative: (x) => sign(x), whole: anyWhole });

/** −1, 0 or 1; ±0 gives ±0. */
export const sign = unary({ name: 'sign', whole: anyWhole });

/** The next whole number at or below x. */
export const floor = unary({ name: 'floor' });

/** The next whole number at or above x. */
export const ceil = unary({ name: 'ceil' });

/** To the nearest integer, ties to even. */
export const round = unary({ name: 'round' });

/** √x, NaN below 0. */
export const sqrt = unary({ name: 'sqrt', scale: (g, _x, y) => div(mul(g, 0.5), y) });

/** 1/x */
export const reciprocal = unary({ name: 'reciprocal', scale: (g, _x, y) => neg(mul(g, square(y))) });

/** x², computed as a product. */
export const square = unary({ name: 'square', derivative: (x) => mul(x, 2), whole: integers });

/** eˣ */
export const exp = unary({ name: 'exp', derivative: (_x, y) => y });

/** Natural logarithm. */
export const log = unary({ name: 'log', scale: (g, x) => div(g, x) });

/** The sine of an angle in radians. */
export const sin = unary({ name: 'sin', derivative: (x) => cos(x) });

/** The cosine of an angle in radians. */
export const cos = unary({ name: 'cos', derivative: (x) => neg(sin(x)) });

/** (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ) */
export const tanh = unary({ name: 'tanh', derivative: (_x, y) => sub(1, square(y)) });

/** 1 / (1 + e⁻ˣ) */
export const sigmoid = unary({ name: 'sigmoid', derivative: (_x, y) => mul(y, sub(1, y)) });

/** The error function; derivative 2/√π · e^(−x²). */
export const erf = unary({ name: 'erf', derivative: (x) => mul(exp(neg(square(x))), 1.1283791670955126) });

/**
 * x with values of magnitude below 1e-30 replaced by 0: averages that decay into denormal numbers would slow processors
 * down.
 */
export const flush = unary({ name: 'flush', scale: (g, x) => where(greaterEqual(abs(x), 1e-30), g, 0) });

/** max(x, 0). The slope is computed from y, so x need not be kept. */
export const relu = unary({ name: 'relu', scale: (g, _x, y) => reluGrad(g, y) });

interface BinaryRules {
  readonly name: BinaryOp;
  /** The op's name in messages. Default: `name`. */
  readonly op?: string;
  /** g times the derivative with respect to each argument, for both modes. */
  readonly by: readonly ((g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor)[];
  /** Throws `dtype` if the op has no results of this type. */
  readonly accepts?: (x: Aval) => void;
}

/**
 * Refuses a third tensor, which would be ignored silently. `xs.reduce(add)` passes two tensors, an index and a list,
 * which is allowed.
 */
function requireTwo(op: string, third: unknown): void {
  if (!(third instanceof Tensor)) return;
  throw new LockstepError(
    'argument',
    `${op}: takes two tensors, not three; call it once for each, as in [a, b, c].reduce(${op})`,
    { op },
  );
}

/** An elementwise function of two arguments that broadcast against each other. */
function binary({ name, op = name, by, accepts }: BinaryRules): (a: TensorLike, b: TensorLike) => Tensor {
  const rule = (g: Tensor, argument: number, [a, b]: readonly Tensor[], y: Tensor) =>
    by[argument]!(g, a!, b!, y);
  const self: Primitive = primitive({
    name,
    inPlace: true,
    fusible: true,
    differentiable: by.map((_, argument) => argument),
    shape: ([a]) => {
      accepts?.(a!);
      return { dtype: a!.dtype, shape: a!.shape };
    },
    kernel: (out, inputs) => bindBinary(name, out, inputs.map(fullOperand)),
    elementwise: (out, operands) => bindBinary(name, out, operands),
    jvp: rule,
    vjp: rule,
    batch: batchElementwise(() => self),
  });
  return (a, b, third?: unknown) => {
    requireTwo(op, third);
    return bind(self, stretched(op, asTensors(op, a, b)), none);
  };
}

const bindBinary =
  (name: BinaryOp, out: Storage, [a, b]: readonly Operand[]): BoundKernel =>
  (kernels) =>
    kernels.binary(name, out.data, a!, b!);

const arithmetic = (name: BinaryOp): Pick<BinaryRules, 'name' | 'accepts'> => ({
  name,
  accepts: (x) => requireArithmetic(name, x),
});

/** a + b */
export const add = binary({ ...arithmetic('add'), by: [(g) => g, (g) => g] });

/** a − b */
export const sub = binary({ ...arithmetic('sub'), by: [(g) => g, (g) => neg(g)] });

/** a · b, element by element; `matmul` is the product of matrices. */
export const mul = binary({ ...arithmetic('mul'), by: [(g, _a, b) => mul(g, b), (g, a) => mul(g, a)] });

/** a / b for floats; `floorDivide` gives the whole quotient of whole numbers. */
export const div = binary({
  name: 'div',
  accepts: (x) => requireFloat('div', x, ', or use floorDivide for whole quotients'),
  by: [(g, _a, b) => div(g, b), (g, _a, b, y) => neg(mul(g, div(y, b)))],
});

/** The larger one, NaN if either is NaN. */
export const maximum = binary({
  name: 'max',
  op: 'maximum',
  by: [(g, a, b) => mul(g, share(greater, a, b)), (g, a, b) => mul(g, share(greater, b, a))],
});

/** The smaller one, NaN if either is NaN. */
export const minimum = binary({
  name: 'min',
  op: 'minimum',
  by: [(g, a, b) => mul(g, share(less, a, b)), (g, a, b) => mul(g, share(less, b, a))],
});

/** g where x > 0, else 0: the derivative of relu as a linear op in g. */
export const reluGrad = binary({ name: 'reluGrad', by: [(g, _a, x) => reluGrad(g, x)] });

/** 1 where `wins(a, b)`, ½ at a tie, 0 elsewhere. */
function share(wins: (a: Tensor, b: Tensor) => Tensor, a: Tensor, b: Tensor): Tensor {
  return where(wins(a, b), onesLike(a), where(equal(a, b), mul(onesLike(a), 0.5), zerosLike(a)));
}

/** `op` is the name in messages. */
function compare(name: CompareOp, op: string): (a: TensorLike, b: TensorLike) => Tensor {
  const bound =
    (out: Storage, [a, b]: readonly Operand[]): BoundKernel =>
    (kernels) =>
      kernels.compare(name, out.data as Uint8Array, a!, b!);
  const self: Primitive = primitive({
    name,
    fusible: true,
    differentiable: [],
    shape: ([a]) => ({ dtype: 'bool' as const, shape: a!.shape }),
    kernel: (out, inputs) => bound(out, inputs.map(fullOperand)),
    elementwise: bound,
    batch: batchElementwise(() => self),
  });
  return (a, b, third?: unknown) => {
    requireTwo(op, third);
    return bind(self, stretched(op, asTensors(op, a, b)), none);
  };
}

/** a = b, as bool; false beside NaN. */
export const equal = compare('eq', 'equal');

/** a ≠ b, as bool; true beside NaN. */
export const notEqual = compare('ne', 'notEqual');

/** a < b, as bool; false beside NaN. */
export const less = compare('lt', 'less');

/** a ≤ b, as bool; false beside NaN. */
export const lessEqual = compare('le', 'lessEqual');

/** a > b, as bool; false beside NaN. */
export const greater = compare('gt', 'greater');

/** a ≥ b, as bool; false beside NaN. */
export const greaterEqual = compare('ge', 'greaterEqual');

/** Whether neither is 0, as bool. */
export const logicalAnd = compare('and', 'logicalAnd');

/** Whether one of them is not 0, as bool. */
export const logicalOr = compare('or', 'logicalOr');

/** 1 where x is 0, else 0, in the type of x. */
export const logicalNot = unary({ name: 'not', whole: anyWhole });

const bindSelect =
  (out: Storage, [condition, a, b]: readonly Operand[]): BoundKernel =>
  (kernels) =>
    kernels.select(out.data, condition!, a!, b!);

const selectPrimitive: Primitive = primitive({
  name: 'select',
  inPlace: true,
  fusible: true,
  differentiable: [1, 2],
  shape: ([, a]) => ({ dtype: a!.dtype, shape: a!.shape }),
  kernel: (out, inputs) => bindSelect(out, inputs.map(fullOperand)),
  elementwise: bindSelect,
  jvp: (t, argument, [condition]) => routed(t, argument, condition!),
  jvpTogether: ([, a, b], [condition, like]) =>
    where(condition!, a ?? zerosLike(like!), b ?? zerosLike(like!)),
  vjp: (ct, argument, [condition]) => routed(ct, argument, condition!),
  batch: batchElementwise(() => selectPrimitive),
});

const routed = (g: Tensor, argument: number, condition: Tensor): Tensor =>
  argument === 1 ? where(condition, g, zerosLike(g)) : where(condition, zerosLike(g), g);

const checkWhere = signature('where', { condition: aTensor, a: tensorLike, b: tensorLike });

/** a where the condition (bool) holds, else b. The branch that is not taken contributes no gradient. */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  checkWhere(condition, a, b);
  if (condition.dtype !== 'bool') {
    throw new LockstepError(
      'dtype',
      `where: the condition is ${condition.dtype}, not bool; compare it first, as in x.greater(0)`,
      { op: 'where', dtype: condition.dtype },
    );
  }
  return bind(selectPrimitive, stretched('where', [condition, ...asTensors('where', a, b)]), none);
}
