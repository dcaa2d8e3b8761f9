import { LockstepError } from '@lockstep/errors';
import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { FusedAttrs, Kernels, Operand } from '../kernels.ts';
import { opCodes } from '../operations.ts';
import { referenceKernels } from '../reference/index.ts';
import type { NativeExports } from './addon.ts';
import { isBools, isFloats, requireLength, requireOperand } from './checks.ts';
import { encodeFused, type FusedProgram } from './program.ts';

const reference = referenceKernels('fma');

export function elementwise(native: NativeExports) {
  return {
    fill(out, value) {
      if (isFloats(out)) native.fill(out, value);
      else out.fill(value);
    },
    cast(out, x) {
      if (!isCastable(out) || !isCastable(x)) return reference.cast(out, x);
      requireLength('cast', 'x', x, out.length);
      native.cast(out, x);
    },
    unary(op, out, x) {
      const known = op === 'not' ? isBools(out) && isBools(x) : isFloats(out) && isFloats(x);
      if (!known) return reference.unary(op, out, x);
      requireLength(op, 'x', x, out.length);
      native.unary(opCodes[op], out, x);
    },
    binary(op, out, a, b) {
      if (!isFloats(out) || !isFloats(a.data) || !isFloats(b.data)) return reference.binary(op, out, a, b);
      if (out.length === 0) return;
      requireOperand(op, a);
      requireOperand(op, b);
      native.binary(opCodes[op], out, a.data, a.repeat, a.period, b.data, b.repeat, b.period);
    },
    compare(op, out, a, b) {
      const isLogical = op === 'and' || op === 'or';
      const known = isLogical ? isBools(a.data) && isBools(b.data) : isFloats(a.data) && isFloats(b.data);
      if (!known) return reference.compare(op, out, a, b);
      if (out.length === 0) return;
      requireOperand(op, a);
      requireOperand(op, b);
      native.binary(opCodes[op], out, a.data, a.repeat, a.period, b.data, b.repeat, b.period);
    },
    select(out, condition, a, b) {
      if (!isBools(condition.data) || !isWords(out, a.data, b.data)) {
        return reference.select(out, condition, a, b);
      }
      if (out.length === 0) return;
      for (const operand of [condition, a, b]) requireOperand('select', operand);
      native.select(
        opCodes.select,
        out,
        condition.data,
        condition.repeat,
        condition.period,
        a.data,
        a.repeat,
        a.period,
        b.data,
        b.repeat,
        b.period,
      );
    },
  } satisfies Partial<Kernels>;
}

const isCastable = (array: TypedArray): boolean =>
  isFloats(array) || isBools(array) || array instanceof Int32Array;

/** Whether all arrays have the same dtype, of four bytes, so that elements can be moved as bits. */
function isWords(first: TypedArray, ...others: readonly TypedArray[]): boolean {
  return first.BYTES_PER_ELEMENT === 4 && others.every((array) => dtypeOf(array) === dtypeOf(first));
}

/** The most arrays in a call of `fused` that the native side takes. */
const MAX_ARRAYS = 120;

export function fusedOf(native: NativeExports): Kernels['fused'] {
  const encoded = new WeakMap<FusedAttrs, FusedProgram>();
  const sizes = new Float64Array(1 + 2 * MAX_ARRAYS);
  const programOf = (attrs: FusedAttrs, numOperands: number): FusedProgram => {
    let program = encoded.get(attrs);
    if (program?.numOperands !== numOperands) {
      program = encodeFused(attrs, numOperands);
      encoded.set(attrs, program);
    }
    return program;
  };
  return (outs, operands, attrs) => {
    const program = programOf(attrs, operands.length);
    if (!isFusible(program, outs, operands)) return reference.fused(outs, operands, attrs);
    const length = lengthOf(program, outs);
    requireOutputs(program, outs, length);
    if (length === 0) return fillSums(program, outs);
    const arrays: TypedArray[] = [...outs];
    sizes[0] = length;
    for (const [i, operand] of operands.entries()) {
      requireOperand('fused', operand);
      sizes[1 + 2 * i] = operand.repeat;
      sizes[2 + 2 * i] = operand.period;
      arrays.push(operand.data);
    }
    native.fused(program.words, sizes, ...arrays);
  };
}

/** Whether all arrays are float32 or bool, outputs have the dtypes that the chain gives, and sums are sums of floats. */
function isFusible(
  program: FusedProgram,
  outs: readonly TypedArray[],
  operands: readonly Operand[],
): boolean {
  if (outs.length + operands.length > MAX_ARRAYS) return false;
  if (!operands.every(({ data }) => isFloats(data) || isBools(data))) return false;
  return outs.every((out, o) => {
    const { kind, sum } = program.outputs[o]!;
    const isBool = typeof kind === 'number' ? isBools(operands[kind]!.data) : kind;
    return isBool ? sum === null && isBools(out) : isFloats(out);
  });
}

/** The number of elements that the chain runs over. */
function lengthOf({ outputs }: FusedProgram, outs: readonly TypedArray[]): number {
  const sum = outputs[0]!.sum;
  return sum === null ? outs[0]!.length : sum.outer * sum.size * sum.inner;
}

/** @throws LockstepError `shape` if an output is too short, or a sum has another number of elements than the chain. */
function requireOutputs({ outputs }: FusedProgram, outs: readonly TypedArray[], length: number): void {
  for (const [o, { sum }] of outputs.entries()) {
    requireLength('fused', 'an output', outs[o]!, sum === null ? length : sum.outer * sum.inner);
    if (sum === null || sum.outer * sum.size * sum.inner === length) continue;
    throw new LockstepError(
      'shape',
      `fused: a sum over [${sum.outer}, ${sum.size}, ${sum.inner}] needs a chain of as many elements, and this chain has ${length}`,
      { ...sum, length },
    );
  }
}

/** Writes the sums of a chain without elements. */
function fillSums({ outputs }: FusedProgram, outs: readonly TypedArray[]): void {
  for (const [o, { sum }] of outputs.entries()) {
    if (sum !== null) outs[o]!.fill(0, 0, sum.outer * sum.inner);
  }
}
