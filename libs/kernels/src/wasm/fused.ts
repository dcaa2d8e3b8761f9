/**
 * Fused chains over the kernels for single operations: every step runs on one block before the next block is begun, so
 * that what lies between two steps stays in the first-level cache.
 */
import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { FusedAttrs, FusedInstruction, Kernels, Operand } from '../kernels.ts';
import { binaryCodes, compareCodes, unaryCodes } from './codes.ts';
import type { Exports } from './module.ts';

/** Elements of a block. */
const BLOCK = 1024;
const SLOT_BYTES = 4 * BLOCK;

/** What the kernels of single operations take of the workspace. */
const NUM_KERNEL_SLOTS = 3;

export interface FusionHost {
  readonly wasm: Exports;
  readonly reference: Kernels;
  /** The whole memory. */
  readonly memory: Uint8Array;
  readonly inside: (...arrays: readonly TypedArray[]) => boolean;
  /** Address of the workspace. */
  readonly work: number;
  readonly workBytes: number;
}

/** How the kernels read a register's elements of the block at hand. */
interface Register {
  address: number;
  repeat: number;
  period: number;
}

/** Runs one instruction on so many elements. */
type Step = (count: number) => void;

/** A register that lies at another place for each block. */
interface Moving {
  readonly register: number;
  readonly base: number;
  readonly elementBytes: number;
}

interface Repeating extends Moving {
  readonly repeat: number;
  readonly period: number;
  /** Where it is written out where the kernels cannot read it as it lies. */
  readonly slot: number;
  /** Read by a kernel that takes no pattern. */
  readonly plain: boolean;
}

/** A chain on certain arrays, with everything decided that is the same for all blocks. */
interface Schedule {
  readonly operands: readonly Operand[];
  readonly attrs: FusedAttrs;
  readonly length: number;
  readonly block: number;
  readonly registers: readonly Register[];
  /** Scalars, written out once as a whole block. */
  readonly scalars: readonly (Moving & { readonly slot: number })[];
  readonly moving: readonly Moving[];
  readonly repeating: readonly Repeating[];
  readonly steps: readonly Step[];
  /** Outputs that could not be computed in place, because a later step reads what they replace. */
  readonly copies: readonly { readonly from: number; readonly to: Moving }[];
}

export function fusion(host: FusionHost): Pick<Kernels, 'fused'> {
  // A bound kernel comes with the same arrays each time, so its schedule is made once.
  const schedules = new WeakMap<readonly TypedArray[], Schedule>();
  return {
    fused(outs, operands, attrs) {
      const known = schedules.get(outs);
      if (known !== undefined && known.operands === operands && known.attrs === attrs)
        return run(known, host);
      const schedule = scheduleOf(outs, operands, attrs, host);
      if (schedule === undefined) {
        host.reference.fused(outs, operands, attrs);
      } else {
        schedules.set(outs, schedule);
        run(schedule, host);
      }
    },
  };
}

/** Undefined for what the reference must do: arrays elsewhere, other element types, more values than there is room. */
function scheduleOf(
  outs: readonly TypedArray[],
  operands: readonly Operand[],
  attrs: FusedAttrs,
  host: FusionHost,
): Schedule | undefined {
  const arrays = [...outs, ...operands.map(({ data }) => data)];
  if (!host.inside(...arrays) || !isTyped(operands, attrs)) return undefined;
  const { length } = outs[0]!;
  const { instructions } = attrs;
  const room = new Slots(host.work + NUM_KERNEL_SLOTS * SLOT_BYTES);
  const registers = Array.from({ length: operands.length + instructions.length }, (): Register => {
    return { address: 0, repeat: 1, period: BLOCK };
  });
  const placed = placeOperands(operands, attrs, length, room);
  const { direct, copied } = splitOutputs(outs, operands, attrs);
  placeTemporaries(attrs, direct, registers, room);
  if ((NUM_KERNEL_SLOTS + room.used) * SLOT_BYTES > host.workBytes) return undefined;
  return {
    ...{ operands, attrs, length, registers, ...placed },
    block: blockFor(placed.repeating),
    moving: [...placed.moving, ...direct.values()],
    steps: instructions.map((instruction, i) =>
      bindStep(instruction, registers[operands.length + i]!, registers, host),
    ),
    copies: copied,
  };
}

/** Whether every step has the types that the kernels take, and every output is computed. */
function isTyped(operands: readonly Operand[], { instructions, outputs }: FusedAttrs): boolean {
  const types = operands.map(({ data }) => dtypeOf(data));
  for (const { op, args } of instructions) {
    const logic = op === 'and' || op === 'or' || op === 'not';
    const wanted = (i: number) => (logic || (op === 'select' && i === 0) ? 'bool' : 'float32');
    if (args.some((arg, i) => types[arg] !== wanted(i))) return false;
    types.push(logic || op in compareCodes ? 'bool' : 'float32');
  }
  return outputs.every((register) => register >= operands.length);
}

function bindStep(
  { op, args }: FusedInstruction,
  to: Register,
  registers: readonly Register[],
  { wasm, memory, work }: FusionHost,
): Step {
  const [a, b, c] = args.map((arg) => registers[arg]!) as [Register, Register, Register];
  if (op === 'and' || op === 'or' || op === 'not')
    return (count) => combine(op, memory, to.address, a.address, (b ?? a).address, count);
  if (op === 'select')
    return (count) =>
      wasm.select(
        to.address,
        count,
        a.address,
        a.repeat,
        a.period,
        b.address,
        b.repeat,
        b.period,
        c.address,
        c.repeat,
        c.period,
        work,
      );
  if (isUnary(op)) return (count) => wasm.unary(unaryCodes[op], to.address, a.address, count);
  const [kernel, code] = isCompare(op) ? [wasm.compare, compareCodes[op]] : [wasm.binary, binaryCodes[op]];
  return (count) =>
    kernel(code, to.address, count, a.address, a.repeat, a.period, b.address, b.repeat, b.period, work);
}

const isUnary = (op: FusedInstruction['op']): op is keyof typeof unaryCodes => op in unaryCodes;
const isCompare = (op: FusedInstruction['op']): op is keyof typeof compareCodes => op in compareCodes;

/** Blocks of workspace, handed out and taken back. */
class Slots {
  used = 0;
  private readonly free: number[] = [];
  private readonly start: number;

  constructor(start: number) {
    this.start = start;
  }

  take(): number {
    return this.free.pop() ?? this.start + SLOT_BYTES * this.used++;
  }

  release(slot: number): void {
    this.free.push(slot);
  }
}

function placeOperands(
  operands: readonly Operand[],
  { instructions }: FusedAttrs,
  length: number,
  room: Slots,
) {
  const moving: Moving[] = [];
  const scalars: (Moving & { slot: number })[] = [];
  const repeating: Repeating[] = [];
  for (const [register, { data, repeat, period }] of operands.entries()) {
    const place = { register, base: data.byteOffset, elementBytes: data.BYTES_PER_ELEMENT };
    if (repeat === 1 && period >= length) moving.push(place);
    else if (period === 1 && data instanceof Float32Array) scalars.push({ ...place, slot: room.take() });
    else {
      const plain = instructions.some(({ op, args }) => takesNoPattern(op) && args.includes(register));
      repeating.push({ ...place, repeat: period === 1 ? length : repeat, period, slot: room.take(), plain });
    }
  }
  return { moving, scalars, repeating };
}

const takesNoPattern = (op: FusedInstruction['op']): boolean =>
  isUnary(op) || op === 'and' || op === 'or' || op === 'not';

/** An output is computed where it is wanted, unless a later step still reads an operand that lies there. */
function splitOutputs(outs: readonly TypedArray[], operands: readonly Operand[], attrs: FusedAttrs) {
  const lastRead = operands.map((_, register) =>
    attrs.instructions.findLastIndex(({ args }) => args.includes(register)),
  );
  const direct = new Map<number, Moving>();
  const copied: { from: number; to: Moving }[] = [];
  for (const [i, out] of outs.entries()) {
    const register = attrs.outputs[i]!;
    const to = { register, base: out.byteOffset, elementBytes: out.BYTES_PER_ELEMENT };
    const instruction = register - operands.length;
    const readLater = operands.some(({ data }, k) => overlap(data, out) && lastRead[k]! > instruction);
    if (readLater || direct.has(register)) copied.push({ from: register, to });
    else direct.set(register, to);
  }
  return { direct, copied };
}

const overlap = (a: TypedArray, b: TypedArray): boolean =>
  a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;

/** Every value that is no output in place gets a slot until its last reader is done. */
function placeTemporaries(
  { instructions, outputs }: FusedAttrs,
  direct: ReadonlyMap<number, Moving>,
  registers: readonly Register[],
  room: Slots,
): void {
  const numOperands = registers.length - instructions.length;
  const lastRead = registers.map((_, register) =>
    outputs.includes(register)
      ? instructions.length
      : instructions.findLastIndex(({ args }) => args.includes(register)),
  );
  const held = new Set<number>();
  for (const i of instructions.keys()) {
    const to = numOperands + i;
    if (!direct.has(to)) {
      registers[to]!.address = room.take();
      held.add(to);
    }
    for (const register of held) {
      if (lastRead[register]! > i) continue;
      held.delete(register);
      room.release(registers[register]!.address);
    }
  }
}

/** As long as possible, and a multiple of the patterns' lengths where those are short: then they fit every block. */
function blockFor(repeating: readonly Repeating[]): number {
  let unit = 1;
  for (const { repeat, period } of repeating) {
    const common = leastCommonMultiple(unit, repeat === 1 ? period : repeat);
    if (common <= BLOCK) unit = common;
  }
  return Math.floor(BLOCK / unit) * unit;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

function run(schedule: Schedule, { wasm, memory, work }: FusionHost): void {
  const { length, block, registers, scalars, moving, repeating, steps, copies } = schedule;
  for (const { register, base, slot } of scalars) {
    // A choice between a scalar and itself writes its bits.
    wasm.select(slot, Math.min(block, length), base, 1, 1, base, 1, 1, base, 1, 1, work);
    registers[register]!.address = slot;
  }
  for (let start = 0; start < length; start += block) {
    const count = Math.min(block, length - start);
    for (const { register, base, elementBytes } of moving)
      registers[register]!.address = base + start * elementBytes;
    for (const operand of repeating) locate(operand, start, count, registers[operand.register]!, memory);
    for (const step of steps) step(count);
    for (const { from, to } of copies) {
      const { address } = registers[from]!;
      memory.copyWithin(to.base + start * to.elementBytes, address, address + count * to.elementBytes);
    }
  }
}

/** Tells the kernels how to read a patterned operand's elements `start` … `start + count − 1`. */
function locate(operand: Repeating, start: number, count: number, to: Register, memory: Uint8Array): void {
  const { base, elementBytes, repeat, period, slot, plain } = operand;
  const phase = start % repeat;
  const first = Math.floor(start / repeat) % period;
  const numRead = Math.ceil((phase + count) / repeat);
  const wraps = first + numRead > period;
  const asItLies = numRead === 1 || (phase === 0 && (!wraps || first === 0));
  if (asItLies && !plain) {
    to.address = base + first * elementBytes;
    to.repeat = numRead === 1 ? 1 : repeat;
    to.period = wraps ? period : numRead;
    return;
  }
  to.address = slot;
  to.repeat = 1;
  to.period = BLOCK;
  for (let i = 0; i < count; i++) {
    const from = base + (Math.floor((start + i) / repeat) % period) * elementBytes;
    memory.copyWithin(slot + i * elementBytes, from, from + elementBytes);
  }
}

function combine(
  op: 'and' | 'or' | 'not',
  memory: Uint8Array,
  out: number,
  a: number,
  b: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const [x, y] = [memory[a + i] !== 0, memory[b + i] !== 0];
    memory[out + i] = Number(op === 'and' ? x && y : op === 'or' ? x || y : !x);
  }
}
