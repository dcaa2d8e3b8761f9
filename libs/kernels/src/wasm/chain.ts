/**
 * Compiles an elementwise chain to WebAssembly: a loop that reads every operand once, keeps the values between two steps
 * in registers and writes every output once. It uses the instructions of the kernels for single operations, so it has
 * the same bits.
 */
import { LockstepError } from '@lockstep/errors';
import type { FusedInstruction } from '../kernels.ts';
import {
  type BinaryOp,
  type ComparisonOp,
  type ElementwiseOp,
  givesBool,
  type LogicalOp,
  type NumericUnaryOp,
} from '../operations.ts';
import { compile, instantiate, MAX_PAGES, type WasmMemory } from './webassembly.ts';

/** The content of a register: numbers, or masks, which are all ones for true. */
export type LaneType = 'float32' | 'bool';

export interface Chain {
  /** The sources of registers 0, 1, …: arrays, or a single number. */
  readonly inputs: readonly (LaneType | 'scalar')[];
  /** Each instruction writes the next register. */
  readonly instructions: readonly FusedInstruction[];
  /** The registers that the chain writes to arrays. */
  readonly outputs: readonly number[];
}

/** Runs a chain over `count` elements; `table` is the address of the addresses of inputs and outputs, in order. */
export type RunChain = (table: number, count: number) => void;

export function compileChain(chain: Chain, memory: WasmMemory): RunChain {
  const { run } = instantiate<{ readonly run: RunChain }>(compile(moduleOf(bodyOf(chain))), memory);
  return run;
}

/** Whether an operation is a few vector instructions. The other ones, polynomials, go through the kernel for one operation. */
export const isPlain = (op: ElementwiseOp): op is PlainOp => op in plainOperations;

type Code = readonly number[];

/** Unsigned LEB128. */
function u32(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

const vector = (opcode: number): number[] => [0xfd, ...u32(opcode)];
/** A memory argument of alignment 1, since operands lie anywhere. */
const at = (offset: number): number[] => [0, ...u32(offset)];
const getLocal = (index: number): number[] => [0x20, ...u32(index)];
const setLocal = (index: number): number[] => [0x21, ...u32(index)];
const i32Const = (small: number): number[] => [0x41, small];
const splat = (float: number): number[] => [
  ...vector(0x0c),
  ...Array.from({ length: 4 }, () => [...new Uint8Array(Float32Array.of(float).buffer)]).flat(),
];

const [i32Load, i32Store8, i32Add, i32Sub, i32LessThan] = [0x28, 0x3a, 0x6a, 0x6b, 0x49];
const v128 = {
  load: vector(0x00),
  load8Splat: vector(0x07),
  load32Splat: vector(0x09),
  load32Zero: vector(0x5c),
  store: vector(0x0b),
  store32Lane: vector(0x5a),
  not: vector(0x4d),
  and: vector(0x4e),
  andNot: vector(0x4f),
  or: vector(0x50),
  select: vector(0x52),
};
const f32x4 = { lt: vector(0x43), gt: vector(0x44), le: vector(0x45), mul: vector(0xe6), div: vector(0xe7) };

const simple =
  (...opcode: number[]) =>
  (...args: Code[]): number[] => [...args.flat(), ...opcode];

const greaterThanZero = (x: Code): number[] => [...x, ...splat(0), ...f32x4.gt];
const nonZero = (x: Code): number[] => [
  ...[...x, ...splat(0), ...f32x4.lt],
  ...greaterThanZero(x),
  ...v128.or,
];
const signedOne = (x: Code): number[] => [...x, ...splat(-0), ...v128.and, ...splat(1), ...v128.or];

type PlainOp = BinaryOp | ComparisonOp | LogicalOp | 'select' | keyof typeof plainUnary;
type Emit = (a: Code, b: Code, c: Code) => number[];

/** Code for each plain operation, from the code of its arguments. The instructions are those of `assembly/bodies.ts`. */
const plainUnary = {
  neg: (a) => simple(...vector(0xe1))(a),
  abs: (a) => simple(...vector(0xe0))(a),
  ceil: (a) => simple(...vector(0x67))(a),
  floor: (a) => simple(...vector(0x68))(a),
  round: (a) => simple(...vector(0x6a))(a),
  sqrt: (a) => simple(...vector(0xe3))(a),
  square: (a) => simple(...f32x4.mul)(a, a),
  reciprocal: (a) => simple(...f32x4.div)(splat(1), a),
  flush: (a) => [...a, ...simple(...vector(0xe0))(a), ...splat(1e-30), ...f32x4.lt, ...v128.andNot],
  relu: (a) => [...a, ...a, ...splat(0), ...f32x4.le, ...v128.andNot],
  sign: (a) => [...signedOne(a), ...a, ...nonZero(a), ...v128.select],
} satisfies Partial<Record<NumericUnaryOp, Emit>>;

const plainOperations: Readonly<Record<PlainOp, Emit>> = {
  ...plainUnary,
  add: (a, b) => simple(...vector(0xe4))(a, b),
  sub: (a, b) => simple(...vector(0xe5))(a, b),
  mul: (a, b) => simple(...f32x4.mul)(a, b),
  div: (a, b) => simple(...f32x4.div)(a, b),
  min: (a, b) => simple(...vector(0xe8))(a, b),
  max: (a, b) => simple(...vector(0xe9))(a, b),
  reluGrad: (a, b) => [...a, ...greaterThanZero(b), ...v128.and],
  eq: (a, b) => simple(...vector(0x41))(a, b),
  ne: (a, b) => simple(...vector(0x42))(a, b),
  lt: (a, b) => simple(...f32x4.lt)(a, b),
  gt: (a, b) => simple(...f32x4.gt)(a, b),
  le: (a, b) => simple(...f32x4.le)(a, b),
  ge: (a, b) => simple(...vector(0x46))(a, b),
  and: (a, b) => simple(...v128.and)(a, b),
  or: (a, b) => simple(...v128.or)(a, b),
  not: (a) => simple(...v128.not)(a),
  select: (condition, a, b) => simple(...v128.select)(a, b, condition),
};

/** The body of `run`. Its locals are table, count, a pointer for each input and output, a vector for each register. */
function bodyOf({ inputs, instructions, outputs }: Chain): number[] {
  const [table, count] = [0, 1];
  const numPointers = inputs.length + outputs.length;
  const pointer = (index: number): number => 2 + index;
  const register = (index: number): number => 2 + numPointers + index;
  const types: LaneType[] = inputs.map((type) => (type === 'scalar' ? 'float32' : type));
  for (const { op } of instructions) types.push(givesBool(op) ? 'bool' : 'float32');
  const arrays = [...inputs, ...outputs.map((output) => types[output]!)];

  const setup = arrays.flatMap((_, i) => [
    ...[...getLocal(table), i32Load, ...at(4 * i)],
    ...setLocal(pointer(i)),
  ]);
  const scalars = inputs.flatMap((type, i) =>
    type === 'scalar'
      ? [...getLocal(pointer(i)), ...v128.load32Splat, ...at(0), ...setLocal(register(i))]
      : [],
  );
  const compute = instructions.flatMap(({ op, args }, i) => {
    const [a = [], b = [], c = []] = args.map((arg) => getLocal(register(arg)));
    if (!isPlain(op)) throw new LockstepError('internal', `a chain of plain operations has ${op}`, { op });
    return [...plainOperations[op](a, b, c), ...setLocal(register(inputs.length + i))];
  });
  /** One round of the loop, over four elements or one. */
  const round = (lanes: 4 | 1): number[] => [
    ...inputs.flatMap((type, i) =>
      type === 'scalar' ? [] : [...load(type, lanes, getLocal(pointer(i))), ...setLocal(register(i))],
    ),
    ...compute,
    ...outputs.flatMap((output, i) =>
      store(types[output]!, lanes, getLocal(pointer(inputs.length + i)), getLocal(register(output))),
    ),
    ...arrays.flatMap((type, i) => {
      if (type === 'scalar') return [];
      const bytes = type === 'bool' ? lanes : 4 * lanes;
      return [...getLocal(pointer(i)), ...i32Const(bytes), i32Add, ...setLocal(pointer(i))];
    }),
  ];
  /** Repeats the round while at least `lanes` elements are left. */
  const loop = (lanes: 4 | 1): number[] => [
    ...[0x02, 0x40, 0x03, 0x40],
    ...[...getLocal(count), ...i32Const(lanes), i32LessThan, 0x0d, 1],
    ...round(lanes),
    ...[...getLocal(count), ...i32Const(lanes), i32Sub, ...setLocal(count)],
    ...[0x0c, 0, 0x0b, 0x0b],
  ];
  const locals = [2, ...u32(numPointers), 0x7f, ...u32(types.length), 0x7b];
  return [...locals, ...setup, ...scalars, ...loop(4), ...loop(1), 0x0b];
}

function load(type: LaneType, lanes: 4 | 1, pointer: Code): number[] {
  const wide = lanes === 4;
  if (type === 'float32') return [...pointer, ...(wide ? v128.load : v128.load32Splat), ...at(0)];
  const [bytesToHalves, halvesToWords, notEqual] = [vector(0x89), vector(0xa9), vector(0x38)];
  return [
    ...[...pointer, ...(wide ? v128.load32Zero : v128.load8Splat), ...at(0)],
    ...[...bytesToHalves, ...halvesToWords, ...splat(0), ...notEqual],
  ];
}

function store(type: LaneType, lanes: 4 | 1, pointer: Code, value: Code): number[] {
  if (type === 'float32')
    return [
      ...pointer,
      ...value,
      ...(lanes === 4 ? [...v128.store, ...at(0)] : [...v128.store32Lane, ...at(0), 0]),
    ];
  if (lanes === 1) {
    const [extractLane, and] = [vector(0x1b), 0x71];
    return [...pointer, ...value, ...extractLane, 0, ...i32Const(1), and, i32Store8, ...at(0)];
  }
  const [wordsToHalves, halvesToBytes, byteSplat] = [vector(0x85), vector(0x65), vector(0x0f)];
  const halves = [...value, ...value, ...wordsToHalves];
  return [
    ...[...pointer, ...halves, ...halves, ...halvesToBytes],
    ...[...i32Const(1), ...byteSplat, ...v128.and, ...v128.store32Lane, ...at(0), 0],
  ];
}

/** A module that imports a shared memory and exports `run`. */
function moduleOf(body: Code): Uint8Array {
  const text = (name: string): number[] => [name.length, ...Buffer.from(name)];
  const section = (id: number, bytes: Code): number[] => [id, ...u32(bytes.length), ...bytes];
  const [func, i32] = [0x60, 0x7f];
  return Uint8Array.from([
    ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
    ...section(1, [1, func, 2, i32, i32, 0]),
    ...section(2, [1, ...text('env'), ...text('memory'), 2, 3, 0, ...u32(MAX_PAGES)]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('run'), 0, 0]),
    ...section(10, [1, ...u32(body.length), ...body]),
  ]);
}
