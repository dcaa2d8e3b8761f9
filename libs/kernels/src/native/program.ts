/** Encodes attributes as words for the native side, once for each attributes object. */
import { LockstepError } from '@lockstep/errors';
import type { FusedAttrs, ReduceAttrs, StridedAttrs } from '../kernels.ts';
import { givesBool, opCodes } from '../operations.ts';
import { foldView } from '../wasm/views.ts';

/** `make` that remembers its result for each object. */
export function memoize<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const made = new WeakMap<K, V>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) {
      value = make(key);
      made.set(key, value);
    }
    return value;
  };
}

/** A fused chain, encoded for a certain number of operands. */
export interface FusedProgram {
  /**
   * Numbers of operands, instructions and outputs; then op and three arguments of each instruction; then register, size
   * and inner of each output.
   */
  readonly words: Int32Array;
  readonly numOperands: number;
  readonly outputs: readonly FusedOutput[];
}

interface FusedOutput {
  /** Whether the instruction that writes it gives a bool; for an operand, its number. */
  readonly kind: boolean | number;
  readonly sum: ReduceAttrs | null;
}

/** @throws LockstepError `argument` if a register is read before it is written. */
export function encodeFused({ instructions, outputs, sums }: FusedAttrs, numOperands: number): FusedProgram {
  const words = [numOperands, instructions.length, outputs.length];
  for (const [j, { op, args }] of instructions.entries()) {
    for (const register of args) requireRegister(register, numOperands + j);
    words.push(opCodes[op], args[0] ?? 0, args[1] ?? 0, args[2] ?? 0);
  }
  const kindOf = (register: number) =>
    register < numOperands ? register : givesBool(instructions[register - numOperands]!.op);
  const encoded = outputs.map((register, o) => {
    requireRegister(register, numOperands + instructions.length);
    const sum = sums?.[o] ?? null;
    words.push(register, sum?.size ?? 0, sum?.inner ?? 0);
    return { kind: kindOf(register), sum };
  });
  return { words: Int32Array.from(words), numOperands, outputs: encoded };
}

function requireRegister(register: number, written: number): void {
  if (Number.isInteger(register) && register >= 0 && register < written) return;
  throw new LockstepError(
    'argument',
    `fused: register ${register} is read when only ${written} are written`,
    {
      register,
      written,
    },
  );
}

/** A strided view, encoded for the native side, and the range of elements that it reaches. */
export interface EncodedView {
  /** Words of the copy that reads the view, and of the one that writes it. */
  readonly read: Int32Array;
  readonly write: Int32Array;
  readonly size: number;
  readonly lowest: number;
  readonly highest: number;
}

export function encodeView(view: StridedAttrs): EncodedView {
  const { shape, dense, strides } = foldView(view);
  const spans = view.shape.map((length, axis) => (length - 1) * view.strides[axis]!);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    read: copyWords(shape, dense, strides),
    write: copyWords(shape, strides, dense),
    size: view.shape.reduce((product, length) => product * length, 1),
    lowest: view.offset + sum(spans.map((span) => Math.min(span, 0))),
    highest: view.offset + sum(spans.map((span) => Math.max(span, 0))),
  };
}

/** Rank, shape and strides. The axis along which `to` is contiguous comes last, that of `from` before it. */
function copyWords(shape: readonly number[], to: readonly number[], from: readonly number[]): Int32Array {
  const order = shape.map((_, axis) => axis);
  const moveTo = (place: number, strides: readonly number[]) => {
    const found = order.findIndex((axis, at) => at <= place && strides[axis] === 1 && shape[axis]! > 1);
    if (found >= 0) order.splice(place, 0, ...order.splice(found, 1));
  };
  moveTo(shape.length - 1, to);
  moveTo(shape.length - 2, from);
  const inOrder = (values: readonly number[]) => order.map((axis) => values[axis]!);
  return Int32Array.from([shape.length, ...inOrder(shape), ...inOrder(to), ...inOrder(from)]);
}
