/**
 * Fused chains in WebAssembly. Each run of plain operations is compiled to a loop ({@link compileChain}); a polynomial
 * between two runs is computed by the kernel for single operations, block by block. Without polynomials and patterns the
 * block is the whole array.
 */
import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { FusedAttrs, Kernels, Operand, ReduceAttrs } from '../kernels.ts';
import { givesBool, isLogical } from '../operations.ts';
import { lengthOf } from '../reference/fused.ts';
import { type Chain, compileChain, type RunChain } from './chain.ts';
import { BLOCK, type FusionHost, type Part, type Pass, type Pattern, Scheduler } from './fused-pass.ts';
import { cutFor } from './fused-sums.ts';

/** The passes of a chain on certain arrays. */
interface Schedule {
  readonly operands: readonly Operand[];
  readonly attrs: FusedAttrs;
  readonly passes: readonly Pass[];
}

export function fusion(host: FusionHost): Pick<Kernels, 'fused'> {
  // A bound kernel is called with the same arrays each time, so its schedule is made once.
  const schedules = new WeakMap<readonly TypedArray[], Schedule>();
  const runOf = chainCache(host);
  const { buffer } = host.memory;
  const bytes = new Uint8Array(buffer);
  const floats = new Float32Array(buffer);
  const writeOut = ({ operand, slot }: Pattern, start: number, count: number): void => {
    if (operand.data instanceof Uint8Array) repeatInto(bytes, slot, operand, start, count);
    else repeatInto(floats, slot / 4, operand, start, count);
  };
  const schedule = (
    outs: readonly TypedArray[],
    operands: readonly Operand[],
    attrs: FusedAttrs,
  ): Schedule | undefined => {
    const known = schedules.get(outs);
    if (known?.operands === operands && known.attrs === attrs) return known;
    const isInside = host.inside(...outs, ...operands.map(({ data }) => data));
    if (!isInside || !isTyped(operands, attrs) || lengthOf(outs, attrs) === 0) return undefined;
    const passes = passesFor(outs, attrs).map((pass) =>
      new Scheduler(pass, operands, host, runOf).schedule(),
    );
    if (!passes.every((pass) => pass !== undefined)) return undefined;
    const made = { operands, attrs, passes };
    schedules.set(outs, made);
    return made;
  };
  return {
    fused(outs, operands, attrs) {
      const found = schedule(outs, operands, attrs);
      if (found === undefined) return host.reference.fused(outs, operands, attrs);
      for (const pass of found.passes) run(pass);
    },
  };

  function run({ length, block, extent, rows, constant, changing, stages }: Pass): void {
    for (const pattern of constant) writeOut(pattern, 0, Math.min(block, length));
    const runBlock = (start: number, count: number): void => {
      for (const pattern of changing) writeOut(pattern, start, count);
      for (const stage of stages) stage(start, count);
    };
    if (rows === undefined) {
      for (let start = 0, count: number; start < length; start += count) {
        count = Math.min(block, length - start, extent - (start % extent));
        runBlock(start, count);
      }
      return;
    }
    const size = rows * extent;
    for (let matrix = 0; matrix < length; matrix += size) {
      for (let column = 0; column < extent; column += block) {
        const end = matrix + column + size;
        for (let start = matrix + column; start < end; start += extent)
          runBlock(start, Math.min(block, extent - column));
      }
    }
  }
}

/**
 * One pass over the chain, or several if no blocks suit all of its sums. The pass whose outputs may overwrite operands comes
 * last.
 */
function passesFor(outs: readonly TypedArray[], attrs: FusedAttrs): Part[] {
  const length = lengthOf(outs, attrs);
  const parts: { outputs: number[]; sums: ReduceAttrs[] }[] = [{ outputs: [], sums: [] }];
  for (const output of outs.keys()) {
    const sum = attrs.sums?.[output];
    const added = sum ? [sum] : [];
    const fitting = sum ? parts.find(({ sums }) => cutFor([...sums, sum], BLOCK)) : parts[0];
    if (fitting === undefined) parts.push({ outputs: [output], sums: added });
    else fitting.sums.push(...added);
    fitting?.outputs.push(output);
  }
  return parts.reverse().map(({ outputs, sums }) => ({
    outs: outputs.map((i) => outs[i]!),
    attrs: {
      instructions: attrs.instructions,
      outputs: outputs.map((i) => attrs.outputs[i]!),
      sums: outputs.map((i) => attrs.sums?.[i] ?? null),
    },
    length,
    cut: cutFor(sums, BLOCK)!,
  }));
}

/** Compiles each chain once, whatever arrays it runs on. */
function chainCache({ memory }: FusionHost): (chain: Chain) => RunChain {
  const compiled = new Map<string, RunChain>();
  return (chain) => {
    const key = JSON.stringify(chain);
    const run = compiled.get(key) ?? compileChain(chain, memory);
    compiled.set(key, run);
    return run;
  };
}

/** Whether every step has arguments of the types that the kernels take. */
function isTyped(operands: readonly Operand[], { instructions, outputs, sums }: FusedAttrs): boolean {
  const types = operands.map(({ data }) => dtypeOf(data));
  for (const { op, args } of instructions) {
    const wanted = (i: number) => (isLogical(op) || (op === 'select' && i === 0) ? 'bool' : 'float32');
    if (args.some((arg, i) => types[arg] !== wanted(i))) return false;
    types.push(givesBool(op) ? 'bool' : 'float32');
  }
  const summed = outputs.filter((_, i) => sums?.[i]).map((register) => types[register]);
  return (
    types.every((type) => type === 'float32' || type === 'bool') && summed.every((type) => type === 'float32')
  );
}

/** Writes elements `start` … `start + count − 1` of a patterned operand to `to`, from `to[at]` on. */
function repeatInto(
  to: Float32Array | Uint8Array,
  at: number,
  { data, repeat, period }: Operand,
  start: number,
  count: number,
): void {
  let index = Math.floor(start / repeat) % period;
  let left = repeat - (start % repeat);
  for (let i = at; i < at + count; ) {
    const end = Math.min(i + left, at + count);
    const value = data[index]!;
    // A call of `fill` takes longer than a few elements.
    if (end - i > 32) to.fill(value, i, end);
    else for (let j = i; j < end; j++) to[j] = value;
    i = end;
    left = repeat;
    if (++index === period) index = 0;
  }
}
