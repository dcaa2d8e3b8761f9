import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { FusedAttrs, Kernels, Operand } from '../kernels.ts';
import { referenceKernels } from '../reference/index.ts';
import type { NativeExports } from './addon.ts';
import { isBools, isFloats, requireLength, requireOperand } from './checks.ts';
import { opCodes } from './codes.ts';
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

/** Whether the arrays have one dtype of four bytes, whose elements can be moved as bits. */
function isWords(first: TypedArray, ...others: readonly TypedArray[]): boolean {
  return first.BYTES_PER_ELEMENT === 4 && others.every((array) => dtypeOf(array) === dtypeOf(first));
}

/** Arrays of one call of `fused` that the native side has room for. */
const MAX_ARRAYS = 120;

export function fusedOf(native: NativeExports): Kernels['fused'] {
  const encoded = new WeakMap<FusedAttrs, FusedProgram>();
  const patterns = new Float64Array(2 * MAX_ARRAYS);
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
    if (outs[0]!.length === 0) return;
    const arrays: TypedArray[] = [...outs];
    for (const out of outs) requireLength('fused', 'an output', out, outs[0]!.length);
    for (const [i, operand] of operands.entries()) {
      requireOperand('fused', operand);
      patterns[2 * i] = operand.repeat;
      patterns[2 * i + 1] = operand.period;
      arrays.push(operand.data);
    }
    native.fused(program.words, patterns, ...arrays);
  };
}

/** Whether all arrays are float32 or bool, the outputs as the chain makes them. */
function isFusible(
  program: FusedProgram,
  outs: readonly TypedArray[],
  operands: readonly Operand[],
): boolean {
  if (outs.length + operands.length > MAX_ARRAYS) return false;
  if (!operands.every(({ data }) => isFloats(data) || isBools(data))) return false;
  return outs.every((out, o) => {
    const kind = program.outputs[o]!;
    const isBool = typeof kind === 'number' ? isBools(operands[kind]!.data) : kind;
    return isBool ? isBools(out) : isFloats(out);
  });
}
