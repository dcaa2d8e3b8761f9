import type { TypedArray } from '@lockstep/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FusedAttrs, FusedInstruction, Kernels, Operand, ReduceAttrs } from '../kernels.ts';
import { binaryOps, compareOps, unaryOps as numericUnaryOps } from '../operations.ts';
import {
  coarse,
  expectSame,
  f32,
  firstDifference,
  operands,
  plain,
  type Run,
  randomInt,
  reference,
  wild,
} from '../wasm/fixtures/same-bits.ts';
import { availableSets } from './addon.ts';
import { createNativeKernels } from './native.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const bools = (size: number) => Uint8Array.from({ length: size }, () => randomInt(2));
const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray) =>
  new Uint8Array(buffer, byteOffset, byteLength);
const full = (data: TypedArray): Operand => ({ data, repeat: 1, period: data.length });

const isBoolOp = (op: FusedInstruction['op']) =>
  op === 'not' || (compareOps as readonly string[]).includes(op);

/** Ways to see chains of one length. */
const geometries: readonly (readonly ReduceAttrs[])[] = [
  [[1, 1, 1]],
  [
    [3, 5, 1],
    [1, 3, 5],
    [5, 1, 3],
    [1, 15, 1],
  ],
  [
    [40, 10, 1],
    [1, 400, 1],
    [4, 50, 2],
    [1, 10, 40],
  ],
  [
    [11, 128, 1],
    [1, 128, 11],
    [1, 11, 128],
    [8, 88, 2],
  ],
  [
    [7, 300, 1],
    [1, 300, 7],
    [3, 7, 100],
    [1, 1, 2100],
    [2100, 1, 1],
  ],
  [
    [1, 5120, 1],
    [2, 160, 16],
    [1, 160, 32],
    [1, 4, 1280],
    [1, 1280, 4],
    [10, 512, 1],
  ],
  [
    [2, 129, 17],
    [1, 258, 17],
    [34, 129, 1],
    [1, 2, 2193],
  ],
  [
    [1, 4, 3000],
    [3, 4, 1000],
    [1, 400, 30],
  ],
].map((sums) => sums.map(([outer, size, inner]) => ({ outer: outer!, size: size!, inner: inner! })));

const sets = availableSets();

if (sets.length === 0)
  it('is tested where there are native kernels', () => expect(createNativeKernels()).toBeUndefined());

describe.each(sets)('fused chains with %s equal the reference', (set) => {
  const native = createNativeKernels(set) as Kernels;
  const kinds = ['unary', 'binary', 'binary', 'compare', 'select'] as const;
  const unaryOps = [...numericUnaryOps, 'not'] as const;
  const pick = <T>(from: readonly T[]): T => from[randomInt(from.length)]!;

  /** A chain that reads registers of any kind, the latest the likeliest. */
  function randomChain(numOperands: number, numInstructions: number, numOutputs: number): FusedAttrs {
    const instructions: FusedInstruction[] = [];
    for (let j = 0; j < numInstructions; j++) {
      const register = () => Math.max(0, numOperands + j - 1 - randomInt(randomInt(2) ? 3 : numOperands + j));
      const kind = pick(kinds);
      if (kind === 'unary') instructions.push({ op: pick(unaryOps), args: [register()] });
      else if (kind === 'select') {
        instructions.push({ op: 'select', args: [register(), register(), register()] });
      } else {
        instructions.push({
          op: pick<FusedInstruction['op']>(kind === 'binary' ? binaryOps : compareOps),
          args: [register(), register()],
        });
      }
    }
    const outputs = Array.from(
      { length: numOutputs },
      (_, o) => numOperands + (o === 0 ? numInstructions - 1 : randomInt(numInstructions)),
    );
    return { instructions, outputs };
  }

  /** The chain with comparisons replaced, so that every register is a number. */
  const withoutBools = ({ instructions, outputs }: FusedAttrs): FusedAttrs => ({
    instructions: instructions.map(({ op, args }) =>
      isBoolOp(op) ? { op: 'add', args: [args[0]!, args[1] ?? args[0]!] } : { op, args },
    ),
    outputs: instructions.length === 0 ? [] : outputs,
  });

  /** An array for what an instruction writes. */
  function outputFor(
    size: number,
    register: number,
    inputs: readonly Operand[],
    attrs: FusedAttrs,
  ): TypedArray {
    const { op } = attrs.instructions[register - inputs.length]!;
    return isBoolOp(op) ? new Uint8Array(size).fill(9) : f32(size);
  }

  it('random chains', () => {
    for (let trial = 0; trial < 120; trial++) {
      const size = pick([1, 7, 16, 100, 511, 513, 1300]);
      const inputs = Array.from({ length: 1 + randomInt(5) }, () =>
        pick(operands(size, pick([wild, plain, coarse, bools]))),
      );
      const attrs = randomChain(inputs.length, 1 + randomInt(12), 1 + randomInt(3));
      const outs = attrs.outputs.map((output) => outputFor(size, output, inputs, attrs));
      const expected = outs.map((out) => out.slice());
      native.fused(outs, inputs, attrs);
      reference.fused(expected, inputs, attrs);
      for (const [o, out] of outs.entries()) {
        expect(firstDifference(out, expected[o]!), JSON.stringify(attrs)).toBeUndefined();
      }
    }
  });

  it('random chains with random sums', () => {
    for (let trial = 0; trial < 150; trial++) {
      const sums = pick(geometries);
      const { outer, size, inner } = sums[0]!;
      const length = outer * size * inner;
      const inputs = Array.from({ length: 1 + randomInt(4) }, () =>
        pick(operands(length, pick([wild, plain]))),
      );
      const chain = withoutBools(randomChain(inputs.length, randomInt(8), 1 + randomInt(2)));
      const registers = inputs.length + chain.instructions.length;
      const summed = Array.from({ length: 1 + randomInt(3) }, () => randomInt(registers));
      const attrs: FusedAttrs = {
        ...chain,
        outputs: [...chain.outputs, ...summed],
        sums: [...chain.outputs.map(() => null), ...summed.map(() => pick(sums))],
      };
      const shift = randomInt(2);
      const outs = attrs.sums!.map((sum) =>
        f32(shift + (sum === null ? length : sum.outer * sum.inner)).subarray(shift),
      );
      const expected = outs.map((out) => out.slice());
      native.fused(outs, inputs, attrs);
      reference.fused(expected, inputs, attrs);
      for (const [o, out] of outs.entries()) {
        expect(firstDifference(out, expected[o]!), JSON.stringify([o, attrs])).toBeUndefined();
      }
    }
  });

  it('random chains that write over their operands, with sums and without', () => {
    for (let trial = 0; trial < 200; trial++) {
      const sums = pick(geometries);
      const { outer, size, inner } = sums[0]!;
      const length = outer * size * inner;
      const own = [0, 1, 2].map(() => full(plain(length)));
      const inputs = [...own, pick(operands(length, plain)), pick(operands(length, plain))];
      const chain = withoutBools(randomChain(inputs.length, 1 + randomInt(12), 1 + randomInt(3)));
      const summed = Array.from({ length: randomInt(3) }, () =>
        randomInt(inputs.length + chain.instructions.length),
      );
      const attrs: FusedAttrs = {
        ...chain,
        outputs: [...chain.outputs, ...summed],
        sums: [...chain.outputs.map(() => null), ...summed.map(() => pick(sums))],
      };
      const totals = attrs.sums!.flatMap((sum) => (sum === null ? [] : [f32(sum.outer * sum.inner)]));
      const expected = [...chain.outputs.map(() => f32(length)), ...totals.map((total) => total.slice())];
      reference.fused(expected, inputs, attrs);
      const outs = [...own.slice(0, chain.outputs.length).map(({ data }) => data), ...totals];
      native.fused(outs, inputs, attrs);
      for (const [o, out] of outs.entries())
        expect(firstDifference(out, expected[o]!), JSON.stringify([o, attrs])).toBeUndefined();
    }
  });

  it('nothing but sums, in the order of reduce', () => {
    for (const attrs of geometries.flat()) {
      const { outer, size, inner } = attrs;
      for (const data of [plain, wild]) {
        const run: Run = (k, o, [x, y]) =>
          k.fused([o], [full(x!), full(y!)], {
            instructions: [{ op: 'mul', args: [0, 1] }],
            outputs: [2],
            sums: [attrs],
          });
        const length = outer * size * inner;
        expectSame(f32(outer * inner), [data(length), data(length)], run, attrs, native);
        const direct: Run = (k, o, [x]) =>
          k.fused([o], [full(x!)], { instructions: [], outputs: [0], sums: [attrs] });
        expectSame(f32(outer * inner), [data(length)], direct, attrs, native);
      }
    }
  });

  it('sums beside outputs over their operands', () => {
    const size = 1300;
    const attrs: FusedAttrs = {
      instructions: [
        { op: 'sub', args: [0, 1] },
        { op: 'mul', args: [2, 2] },
      ],
      outputs: [2, 0, 3, 1, 2],
      sums: [
        null,
        { outer: 1, size, inner: 1 },
        { outer: 13, size: 100, inner: 1 },
        { outer: 1, size: 13, inner: 100 },
        { outer: 2, size: 130, inner: 5 },
      ],
    };
    const [a, b] = [plain(size), plain(size)];
    const results = () => [f32(1), f32(13), f32(100), f32(10)];
    const [expected, apart, inPlace] = [f32(size), f32(size), a.slice()].map((out) => [out, ...results()]);
    reference.fused(expected!, [full(a), full(b)], attrs);
    native.fused(apart!, [full(a), full(b)], attrs);
    native.fused(inPlace!, [full(inPlace![0]!), full(b)], attrs);
    for (const [o, out] of expected!.entries()) {
      expect(firstDifference(apart![o]!, out), `apart, output ${o}`).toBeUndefined();
      expect(firstDifference(inPlace![o]!, out), `in place, output ${o}`).toBeUndefined();
    }
  });

  it('sums of nothing are zero', () => {
    const attrs: FusedAttrs = { instructions: [], outputs: [0], sums: [{ outer: 2, size: 0, inner: 3 }] };
    const out = f32(6);
    native.fused([out], [full(f32(0))], attrs);
    expect([...out]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('refuses sums over other lengths than the chain has', () => {
    const attrs: FusedAttrs = {
      instructions: [],
      outputs: [0, 0],
      sums: [null, { outer: 1, size: 5, inner: 1 }],
    };
    expect(() => native.fused([f32(4), f32(1)], [full(f32(4))], attrs)).toThrow(/this one has 4/);
  });

  it('two outputs that change places', () => {
    const [a, b] = [wild(300), wild(300)];
    const [formerA, formerB] = [a.slice(), b.slice()];
    native.fused([a, b], [full(a), full(b)], { instructions: [], outputs: [1, 0] });
    expect(firstDifference(a, formerB)).toBeUndefined();
    expect(firstDifference(b, formerA)).toBeUndefined();
  });

  it('divisions by powers of two and by others', () => {
    const divisors = [1, 2, -32, 0.5, 2 ** 126, 2 ** 127, 2 ** -126, 2 ** -127, 3, 0, -0, Infinity, NaN];
    for (const divisor of divisors) {
      const run: Run = (k, o, [x]) => k.binary('div', o, full(x!), scalar(divisor));
      expectSame(f32(700), [wild(700)], run, divisor, native);
    }
  });

  it('writes nothing outside an output, without help of the reference', () => {
    for (let trial = 0; trial < 20; trial++) {
      const size = pick([1, 7, 100, 513]);
      const inputs = [wild, bools].map((data) => pick(operands(size, data)));
      const attrs = randomChain(inputs.length, 5, 1);
      const out = outputFor(size, attrs.outputs[0]!, inputs, attrs);
      const run: Run = (k, o, data) =>
        k.fused(
          [o],
          inputs.map((operand, i) => ({ ...operand, data: data[i]! })),
          attrs,
        );
      expectSame(
        out,
        inputs.map(({ data }) => data),
        run,
        attrs,
        native,
      );
    }
  });

  it('Adam over its own operands, and apart', () => {
    const params = [plain(1300), plain(1300), plain(1300).map(Math.abs)];
    const gradient = plain(1300);
    const [expected, apart, inPlace] = [params, params, params].map((p) => p.map((x) => x.slice()));
    reference.fused(expected!, adamOperands(expected!, gradient), ADAM);
    native.fused(apart!, adamOperands(params, gradient), ADAM);
    native.fused(inPlace!, adamOperands(inPlace!, gradient), ADAM);
    for (const [i, out] of expected!.entries()) {
      expect(firstDifference(apart![i]!, out), `apart, output ${i}`).toBeUndefined();
      expect(firstDifference(inPlace![i]!, out), `in place, output ${i}`).toBeUndefined();
    }
  });

  it('large outputs, which go past the caches, from any alignment', () => {
    const size = 1_600_003;
    const attrs: FusedAttrs = {
      instructions: [
        { op: 'add', args: [0, 1] },
        { op: 'mul', args: [3, 2] },
      ],
      outputs: [3, 4],
    };
    const bias = { data: plain(48), repeat: 1, period: 48 };
    const inputs = [full(plain(size)), full(plain(size)), bias];
    const expected = [f32(size), f32(size)];
    reference.fused(expected, inputs, attrs);
    for (const shifts of [
      [0, 0],
      [1, 1],
      [5, 8],
    ]) {
      const buffers = shifts.map((shift) => f32(size + 32).subarray(shift, shift + size));
      native.fused(buffers, inputs, attrs);
      for (const [o, out] of buffers.entries()) {
        expect(Buffer.compare(bytesOf(out), bytesOf(expected[o]!)), `shifts ${shifts}`).toBe(0);
        const after = new Float32Array(out.buffer, out.byteOffset + out.byteLength);
        expect(
          [...after].every((x) => x === 7),
          'nothing is written beyond',
        ).toBe(true);
      }
    }
  });

  it('an output over an operand that is still to be read', () => {
    const attrs: FusedAttrs = {
      instructions: [
        { op: 'add', args: [0, 1] },
        { op: 'mul', args: [0, 2] },
      ],
      outputs: [2, 3],
    };
    const [a, b] = [wild(1000), wild(1000)];
    const [expectedSum, expectedProduct, product] = [f32(1000), f32(1000), f32(1000)];
    reference.fused([expectedSum, expectedProduct], [full(a), full(b)], attrs);
    native.fused([a, product], [full(a), full(b)], attrs);
    expect(firstDifference(a, expectedSum)).toBeUndefined();
    expect(firstDifference(product, expectedProduct)).toBeUndefined();
  });

  it('refuses a register that is not written yet', () => {
    const attrs: FusedAttrs = { instructions: [{ op: 'add', args: [0, 1] }], outputs: [1] };
    expect(() => native.fused([f32(4)], [full(f32(4))], attrs)).toThrow(/register 1 is read when 1/);
  });
});

const scalar = (value: number): Operand => ({ data: Float32Array.of(value), repeat: 1, period: 1 });

/** Registers: parameters, mean, square, gradient, β₁, 1 − β₁, β₂, 1 − β₂, ε, rate. */
function adamOperands([p, m, v]: readonly Float32Array[], gradient: Float32Array): Operand[] {
  return [...[p!, m!, v!, gradient].map(full), ...[0.9, 0.1, 0.999, 0.001, 1e-8, 1e-3].map(scalar)];
}

const ADAM: FusedAttrs = {
  instructions: [
    { op: 'mul', args: [1, 4] },
    { op: 'mul', args: [3, 5] },
    { op: 'add', args: [10, 11] }, // 12: mean
    { op: 'mul', args: [2, 6] },
    { op: 'square', args: [3] },
    { op: 'mul', args: [14, 7] },
    { op: 'add', args: [13, 15] }, // 16: square
    { op: 'sqrt', args: [16] },
    { op: 'add', args: [17, 8] },
    { op: 'div', args: [12, 18] },
    { op: 'mul', args: [19, 9] },
    { op: 'sub', args: [0, 20] }, // 21: parameters
  ],
  outputs: [21, 12, 16],
};
