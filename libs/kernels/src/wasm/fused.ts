/**
 * Fused chains in WebAssembly. Runs of plain operations become code of their own ({@link compileChain}); a polynomial
 * between two of them goes over the block with the kernel for single operations. Without polynomials and patterns the
 * block is the whole array.
 */
import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { FusedAttrs, Kernels, Operand, ReduceAttrs } from '../kernels.ts';
import { lengthOf } from '../reference/fused.ts';
import { type Chain, compileChain, givesBool, isPlain, logic, type RunChain } from './chain.ts';
import { unaryCodes } from './codes.ts';
import { type Cut, carriedBytes, cutFor, leastCommonMultiple, type Stage, sumStage } from './fused-sums.ts';
import type { Exports } from './module.ts';
import type { WasmMemory } from './webassembly.ts';

/** Elements of a block: what lies between two stages stays in the first-level cache. */
const BLOCK = 1024;
const SLOT_BYTES = 4 * BLOCK;
/** Slots that the kernels for single operations, then the table of a stage's addresses, take of the workspace. */
const NUM_KERNEL_SLOTS = 3;
const NUM_TABLE_SLOTS = 1;
/** So that a stage's addresses, of registers and outputs, fit the table. */
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

/** A patterned operand, which is written out for the stages. */
interface Pattern {
  readonly operand: Operand;
  readonly slot: number;
}

/** A chain on certain arrays, with everything decided that is the same for all blocks. */
interface Schedule {
  readonly operands: readonly Operand[];
  readonly attrs: FusedAttrs;
  readonly passes: readonly Pass[];
}

/** A way through all elements. */
interface Pass {
  readonly length: number;
  readonly block: number;
  /** Blocks do not cross its multiples. */
  readonly extent: number;
  /** Patterns that look the same in every block, and those that do not. */
  readonly constant: readonly Pattern[];
  readonly changing: readonly Pattern[];
  readonly stages: readonly Stage[];
}

export function fusion(host: FusionHost): Pick<Kernels, 'fused'> {
  // A bound kernel comes with the same arrays each time, so its schedule is made once.
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

  function run({ length, block, extent, constant, changing, stages }: Pass): void {
    for (const pattern of constant) writeOut(pattern, 0, Math.min(block, length));
    for (let start = 0, count: number; start < length; start += count) {
      count = Math.min(block, length - start, extent - (start % extent));
      for (const pattern of changing) writeOut(pattern, start, count);
      for (const stage of stages) stage(start, count);
    }
  }
}

/** Outputs that are computed together, and how. */
interface Part {
  readonly outs: readonly TypedArray[];
  readonly attrs: FusedAttrs;
  readonly length: number;
  readonly cut: Cut;
}

/**
 * One pass through the chain, or several where no blocks suit all of its sums. What may be written over an operand comes
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

/** Chains are compiled once, whatever arrays they run on. */
function chainCache({ memory }: FusionHost): (chain: Chain) => RunChain {
  const compiled = new Map<string, RunChain>();
  return (chain) => {
    const key = JSON.stringify(chain);
    const run = compiled.get(key) ?? compileChain(chain, memory);
    compiled.set(key, run);
    return run;
  };
}

/** Whether every step has the types that the kernels take. */
function isTyped(operands: readonly Operand[], { instructions, outputs, sums }: FusedAttrs): boolean {
  const types = operands.map(({ data }) => dtypeOf(data));
  for (const { op, args } of instructions) {
    const wanted = (i: number) => (logic.has(op) || (op === 'select' && i === 0) ? 'bool' : 'float32');
    if (args.some((arg, i) => types[arg] !== wanted(i))) return false;
    types.push(givesBool(op) ? 'bool' : 'float32');
  }
  const summed = outputs.filter((_, i) => sums?.[i]).map((register) => types[register]);
  return (
    types.every((type) => type === 'float32' || type === 'bool') && summed.every((type) => type === 'float32')
  );
}

/** Makes the schedule of one pass. */
class Scheduler {
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
  /** Of each register that a stage has read or written. */
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

  /** Undefined if the workspace has no room for it. */
  schedule(): Pass | undefined {
    const { operands, attrs, length, block, unit, extent, written } = this;
    const stages = this.stages();
    const { work, workBytes } = this.host;
    if (this.top > work + workBytes || operands.length + attrs.instructions.length > MAX_REGISTERS)
      return undefined;
    const isConstant = ({ operand: { repeat, period } }: Pattern): boolean =>
      period === 1 || (unit % (repeat * period) === 0 && this.startAtMultiplesOf(unit));
    return {
      ...{ length, block, extent, stages },
      constant: written.filter(isConstant),
      changing: written.filter((pattern) => !isConstant(pattern)),
    };
  }

  /** Whether all blocks do. */
  private startAtMultiplesOf(unit: number): boolean {
    return this.extent === Number.POSITIVE_INFINITY || this.extent % unit === 0;
  }

  /**
   * The last stage but for sums is always one of plain operations, if only to write the outputs: till then operands are
   * read.
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
    const slots = this.outs.map((_, i) => this.slotOfSum(i));
    const written = this.outs.map((out, i) =>
      slots[i] === undefined ? placeOfArray(out) : fixedPlace(slots[i]),
    );
    const sums = slots.flatMap((slot, i) =>
      slot === undefined
        ? []
        : [sumStage(this.attrs.sums![i]!, this.outs[i]!.byteOffset, slot, BLOCK, this.host)],
    );
    return [...stages, this.plainStage(from, instructions.length, written), ...sums];
  }

  /** Where an output's values lie that are summed. */
  private slotOfSum(output: number): number | undefined {
    const sum = this.attrs.sums?.[output];
    if (!sum) return undefined;
    this.top += carriedBytes(sum, BLOCK);
    return this.takeSlot();
  }

  private polynomialStage(i: number): Stage {
    const { op, args } = this.attrs.instructions[i]!;
    const { wasm } = this.host;
    const code = unaryCodes[op as keyof typeof unaryCodes];
    const x = this.placeOf(args[0]!);
    const out = this.placeOf(this.operands.length + i);
    return (start, count) => wasm.unary(code, out.base, addressOf(x, start), count);
  }

  /** Instructions `from` … `to − 1` in one loop, which writes what later stages need; the last one the outputs. */
  private plainStage(from: number, to: number, outputPlaces?: readonly Place[]): Stage {
    const { operands, words, table } = this;
    const { instructions, outputs } = this.attrs;
    const first = operands.length + from;
    const isOwn = (register: number): boolean => register >= first && register < operands.length + to;
    const part = instructions.slice(from, to);
    const needed = [...new Set([...instructions.slice(to).flatMap(({ args }) => args), ...outputs])];
    const results = outputPlaces === undefined ? needed.filter(isOwn) : outputs;
    const read = [...new Set([...part.flatMap(({ args }) => args), ...results])].filter((r) => !isOwn(r));
    const local = (register: number): number =>
      isOwn(register) ? read.length + register - first : read.indexOf(register);
    const run = this.runOf({
      inputs: read.map((register) => this.kindOf(register)),
      instructions: part.map(({ op, args }) => ({ op, args: args.map(local) })),
      outputs: results.map(local),
    });
    const written = outputPlaces ?? results.map((register) => this.placeOf(register));
    const places = [...read.map((register) => this.placeOf(register)), ...written];
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

  /** One number for a block, which its loop keeps in a register. A polynomial's kernel reads whole arrays only. */
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
 * As long as possible, and a multiple (`unit`) of short patterns, which then look the same in every block. Long runs of
 * one element are cut into whole blocks where that does not make them much shorter.
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

/** Writes a patterned operand's elements `start` … `start + count − 1` out, from `to[at]` on. */
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
    // A call costs more than a few elements.
    if (end - i > 32) to.fill(value, i, end);
    else for (let j = i; j < end; j++) to[j] = value;
    i = end;
    left = repeat;
    if (++index === period) index = 0;
  }
}
