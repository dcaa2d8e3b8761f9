import { type TypedArray, viewOf } from '@lockstep/tensor';
import type { FusedAttrs, FusedInstruction, Operand } from '../kernels.ts';
import { givesBool, isBinary, isCompare } from '../operations.ts';
import { binary, compare, select, unary } from './elementwise.ts';
import { reduce } from './reduce.ts';

/** Defines `fused`: runs the chain as single kernels, each into an array of its own. */
export function fused(outs: readonly TypedArray[], operands: readonly Operand[], attrs: FusedAttrs): void {
  const length = lengthOf(outs, attrs);
  const registers = [...operands];
  for (const instruction of attrs.instructions) {
    const data = carryOut(
      instruction,
      instruction.args.map((arg) => registers[arg]!),
      length,
    );
    registers.push({ data, repeat: 1, period: length });
  }
  // Outputs are written last, from copies: one may lie where an operand does that another output or a sum reads.
  const results = outs.map((out, i): TypedArray => {
    const register = registers[attrs.outputs[i]!]!;
    const sum = attrs.sums?.[i];
    if (!sum) return full(register, length).slice();
    const total = viewOf('float32', new ArrayBuffer(4 * out.length), 0, out.length);
    reduce('sum', total, full(register, length), sum);
    return total;
  });
  for (const [i, out] of outs.entries()) out.set(results[i]!);
}

/** The number of elements that a chain runs over. */
export function lengthOf(outs: readonly TypedArray[], { sums }: FusedAttrs): number {
  const [sum] = sums ?? [];
  return sum ? sum.outer * sum.size * sum.inner : outs[0]!.length;
}

function carryOut({ op }: FusedInstruction, args: readonly Operand[], length: number): TypedArray {
  const [a, b, c] = args as [Operand, Operand, Operand];
  const isBool = givesBool(op);
  const out = viewOf(isBool ? 'bool' : 'float32', new ArrayBuffer(length * (isBool ? 1 : 4)), 0, length);
  if (op === 'select') select(out, a, b, c);
  else if (isCompare(op)) compare(op, out as Uint8Array, a, b);
  else if (isBinary(op)) binary(op, out, a, b);
  else unary(op, out, full(a, length));
  return out;
}

/** The register's elements, written out unless it has all of them: a unary kernel reads whole arrays only. */
function full({ data, repeat, period }: Operand, length: number): TypedArray {
  if (repeat === 1 && period === length) return data;
  const out = data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = data[Math.floor(i / repeat) % period]!;
  return out;
}
