/** Plans one pass of a fused chain over its elements: the stages that process each block, and where their values lie. */
import type { TypedArray } from '@lockstep/tensor';
import type { FusedAttrs, Kernels, Operand, ReduceAttrs } from '../kernels.ts';
import { givesBool, opCodes } from '../operations.ts';
import { type Chain, isPlain, type RunChain } from './chain.ts';
import {
  type Cut,
  carriedBytes,
  leastCommonMultiple,
  type Stage,
  sumStage,
  takesWholeRows,
} from './fused-sums.ts';
import type { Exports } from './module.ts';
import type { WasmMemory } from './webassembly.ts';

/** Elements of a block, so few that the values between two stages stay in the first-level cache. */
export const BLOCK = 1024;
const SLOT_BYTES = 4 * BLOCK;
/** Slots of the workspace for the kernels of single operations, and for the table of a stage's addresses. */
const NUM_KERNEL_SLOTS = 3;
const NUM_TABLE_SLOTS = 1;
/** The most registers; a stage's addresses, of registers and outputs, then fit the table. */
const MAX_REGISTERS = 512;

export interface FusionHost {
  readonly wasm: Exports;
  readonly reference: Kernels;
  readonly memory: WasmMemory;
  readonly inside: (...arrays: readonly TypedArray[]) => boolean;
  /** Address of the workspace. */
  readonly work: number;
  readonly workBytes: number;
}

/** Where a register's elements of the block that begins at `start` lie: base + stride · (⌊start / repeat⌋ % period). */
interface Place {
  readonly base: number;
  readonly stride: number;
  readonly repeat: number;
  readonly period: number;
}

/** A register that a stage writes to memory. */
interface Written {
  readonly register: number;
  readonly place: Place;
}

/** A patterned operand, and the slot to which it is written out for the stages. */
export interface Pattern {
  readonly operand: Operand;
  readonly slot: number;
}

/** A pass over all elements. */
export interface Pass {
  readonly length: number;
  readonly block: number;
  /** Blocks do not cross multiples of this number of elements. */
  readonly extent: number;
  /** Set if the pass goes column after column; see {@link Cut}. */
  readonly rows: number | undefined;
  /** Patterns that are the same in every block, and those that are not. */
  readonly constant: readonly Pattern[];
  readonly changing: readonly Pattern[];
  readonly stages: readonly Stage[];
}

/** Outputs that one pass computes, and how the chain is cut for them. */
export interface Part {
  readonly outs: readonly TypedArray[];
  readonly attrs: FusedAttrs;
  readonly length: number;
  readonly cut: Cut;
}

/** Makes the schedule of one pass. */
export class Scheduler {
  private readonly outs: readonly TypedArray[];
  private readonly operands: readonly Operand[];
  private readonly attrs: FusedAttrs;
  private readonly length: number;
  private readonly host: FusionHost;
  private readonly runOf: (chain: Chain) => RunChain;
  private readonly words: Int32Array;
  private readonly table: number;
  /** End of the workspace in use. */
  private top: number;
  private readonly written: Pattern[] = [];
  private readonly block: number;
  private readonly unit: number;
  private readonly extent: number;
  private readonly rows: number | undefined;
  /** The place of each register that a stage has read or written. */
  private readonly places: Place[] = [];

  constructor(
    { outs, attrs, length, cut }: Part,
    operands: readonly Operand[],
    host: FusionHost,
    runOf: (chain: Chain) => RunChain,
  ) {
    this.outs = outs;
    this.operands = operands;
    this.attrs = attrs;
    this.length = length;
    this.extent = cut.extent;
    this.rows = cut.rows;
    this.host = host;
    this.runOf = runOf;
    this.words = new Int32Array(host.memory.buffer);
    this.table = host.work + NUM_KERNEL_SLOTS * SLOT_BYTES;
    this.top = this.table + NUM_TABLE_SLOTS * SLOT_BYTES;
    const patterned = operands.filter((operand) => !this.isFull(operand) && operand.period > 1);
    const isSummed = attrs.sums?.some((sum) => sum !== null) === true;
    const whole = !isSummed && patterned.length === 0 && attrs.instructions.every(({ op }) => isPlain(op));
    const { block, unit } = whole ? { block: Math.max(length, 1), unit: 1 } : blockFor(patterned, cut);
    this.block = block;
    this.unit = unit;
  }

  /** The pass; undefined if the workspace has no room for it. */
  schedule(): Pass | undefined {
    const { operands, attrs, length, block, unit, extent, rows, written } = this;
    const stages = this.stages();
    const { work, workBytes } = this.host;
    if (this.top > work + workBytes || operands.length + attrs.instructions.length > MAX_REGISTERS)
      return undefined;
    const isConstant = ({ operand: { repeat, period } }: Pattern): boolean =>
      period === 1 || (unit % (repeat * period) === 0 && this.startAtMultiplesOf(unit));
    return {
      ...{ length, block, extent, rows, stages },
      constant: written.filter(isConstant),
      changing: written.filter((pattern) => !isConstant(pattern)),
    };
  }

  /** Whether every block starts at a multiple of `unit`. */
  private startAtMultiplesOf(unit: number): boolean {
    return this.extent === Number.POSITIVE_INFINITY || this.extent % unit === 0;
  }

  /**
   * A stage of plain operations comes last, before the sums, even if it only writes the outputs: earlier stages may still
   * read operands that the outputs overwrite.
   */
  private stages(): Stage[] {
    const { instructions } = this.attrs;
    const stages: Stage[] = [];
    let from = 0;
    for (const [i, { op }] of instructions.entries()) {
      if (isPlain(op)) continue;
      if (from < i) stages.push(this.plainStage(from, i));
      stages.push(this.polynomialStage(i));
      from = i + 1;
    }
    const written: Written[] = [];
    const sums: Stage[] = [];
    for (const [i, out] of this.outs.entries()) {
      const register = this.attrs.outputs[i]!;
      const sum = this.attrs.sums?.[i];
      if (!sum) written.push({ register, place: placeOfArray(out) });
      else sums.push(sumStage(sum, out.byteOffset, this.sourceOf(sum, register, written), BLOCK, this.host));
    }
    return [...stages, this.plainStage(from, instructions.length, written), ...sums];
  }

  /** The address of the values of a sum's register. The last stage writes them to a slot, unless they lie in memory already. */
  private sourceOf(sum: ReduceAttrs, register: number, written: Written[]): (start: number) => number {
    const isPolynomial = !isPlain(this.attrs.instructions[register - this.operands.length]?.op ?? 'add');
    const output = this.attrs.outputs.findIndex((other, i) => other === register && !this.attrs.sums?.[i]);
    if (takesWholeRows(sum, BLOCK) && (isPolynomial || output !== -1)) {
      const place = isPolynomial ? this.placeOf(register) : placeOfArray(this.outs[output]!);
      return (start) => addressOf(place, start);
    }
    this.top += carriedBytes(sum, BLOCK);
    const slot = this.takeSlot();
    written.push({ register, place: fixedPlace(slot) });
    return () => slot;
  }

  private polynomialStage(i: number): Stage {
    const { op, args } = this.attrs.instructions[i]!;
    const { wasm } = this.host;
    const code = opCodes[op];
    const x = this.placeOf(args[0]!);
    const out = this.placeOf(this.operands.length + i);
    return (start, count) => wasm.unary(code, out.base, addressOf(x, start), count);
  }

  /** Instructions `from` … `to − 1` in one loop. It writes `outputs`, or else the registers that later stages read. */
  private plainStage(from: number, to: number, outputs?: readonly Written[]): Stage {
    const { operands, words, table } = this;
    const { instructions } = this.attrs;
    const first = operands.length + from;
    const isOwn = (register: number): boolean => register >= first && register < operands.length + to;
    const part = instructions.slice(from, to);
    const needed = new Set([...instructions.slice(to).flatMap(({ args }) => args), ...this.attrs.outputs]);
    const written =
      outputs ?? [...needed].filter(isOwn).map((register) => ({ register, place: this.placeOf(register) }));
    const results = written.map(({ register }) => register);
    const read = [...new Set([...part.flatMap(({ args }) => args), ...results])].filter((r) => !isOwn(r));
    const local = (register: number): number =>
      isOwn(register) ? read.length + register - first : read.indexOf(register);
    const run = this.runOf({
      inputs: read.map((register) => this.kindOf(register)),
      instructions: part.map(({ op, args }) => ({ op, args: args.map(local) })),
      outputs: results.map(local),
    });
    const places = [...read.map((register) => this.placeOf(register)), ...written.map(({ place }) => place)];
    return (start, count) => {
      let at = table / 4;
      for (const place of places) words[at++] = addressOf(place, start);
      run(table, count);
    };
  }

  private kindOf(register: number): Chain['inputs'][number] {
    const operand = this.operands[register];
    if (operand === undefined)
      return givesBool(this.attrs.instructions[register - this.operands.length]!.op) ? 'bool' : 'float32';
    if (operand.data instanceof Uint8Array) return 'bool';
    return this.isScalar(register) ? 'scalar' : 'float32';
  }

  private isFull({ repeat, period }: Operand): boolean {
    return repeat === 1 && period >= this.length;
  }

  /** Whether a register is one number for a block, which the loop keeps in a register. A polynomial's kernel reads arrays only. */
  private isScalar(register: number): boolean {
    const { data, repeat, period } = this.operands[register]!;
    const isArray = this.attrs.instructions.some(({ op, args }) => !isPlain(op) && args.includes(register));
    const lasts =
      repeat % this.extent === 0 || (repeat % this.block === 0 && this.startAtMultiplesOf(this.block));
    return data instanceof Float32Array && !isArray && (period === 1 || lasts);
  }

  private placeOf(register: number): Place {
    this.places[register] ??= this.findPlace(register);
    return this.places[register];
  }

  private findPlace(register: number): Place {
    const operand = this.operands[register];
    if (operand === undefined) return fixedPlace(this.takeSlot());
    const { data, repeat, period } = operand;
    if (this.isScalar(register)) return { ...placeOfArray(data), repeat, period };
    if (this.isFull(operand)) return placeOfArray(data);
    const slot = this.takeSlot();
    this.written.push({ operand, slot });
    return fixedPlace(slot);
  }

  private takeSlot(): number {
    this.top += SLOT_BYTES;
    return this.top - SLOT_BYTES;
  }
}

const placeOfArray = ({ byteOffset, BYTES_PER_ELEMENT }: TypedArray): Place => ({
  base: byteOffset,
  stride: BYTES_PER_ELEMENT,
  repeat: 1,
  period: Number.POSITIVE_INFINITY,
});
const fixedPlace = (base: number): Place => ({ base, stride: 0, repeat: 1, period: 1 });
const addressOf = ({ base, stride, repeat, period }: Place, start: number): number =>
  base + stride * (Math.floor(start / repeat) % period);

/**
 * The longest block that is a multiple (`unit`) of the short patterns, which are then the same in every block. A block that
 * divides the long runs of one element is preferred if it is not much shorter.
 */
function blockFor(patterns: readonly Operand[], cut: Cut): { block: number; unit: number } {
  let { unit } = cut;
  for (const { repeat, period } of patterns) {
    for (const length of [repeat, repeat * period]) {
      const common = leastCommonMultiple(unit, length);
      if (common <= BLOCK) unit = common;
    }
  }
  const longest = Math.floor(BLOCK / unit) * unit;
  const runs = [...patterns.map(({ repeat }) => repeat), cut.extent].filter(
    (run) => run > BLOCK && run < Number.POSITIVE_INFINITY,
  );
  for (let block = longest; block >= BLOCK / 2; block -= unit)
    if (runs.every((run) => run % block === 0)) return { block, unit };
  return { block: longest, unit };
}
