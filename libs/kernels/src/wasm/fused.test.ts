/** Fused chains on the wasm backend: the bits of the single kernels, one after the other. */
import type { TypedArray } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import type { FusedAttrs, FusedInstruction, Operand, ReduceAttrs } from '../kernels.ts';
import { binaryOps, comparisonOps, unaryOps } from '../operations.ts';
import {
  clearMemory,
  expectCanaries,
  expectSame,
  f32,
  firstDifference,
  operands as operandsOf,
  place,
  plain,
  type Run,
  randomInt,
  reference,
  wasm,
  wild,
} from './fixtures/same-bits.ts';

const bools = (size: number) => Uint8Array.from({ length: size }, () => randomInt(2));

type Type = 'float32' | 'bool';

/** The operations, with the types of their arguments and of their result. */
const table: readonly (readonly [FusedInstruction['op'], readonly Type[], Type])[] = [
  ...unaryOps.map((op) => [op, ['float32'], 'float32'] as const),
  ...binaryOps.map((op) => [op, ['float32', 'float32'], 'float32'] as const),
  ...comparisonOps.map((op) => [op, ['float32', 'float32'], 'bool'] as const),
  ['select', ['bool', 'float32', 'float32'], 'float32'],
  ['and', ['bool', 'bool'], 'bool'],
  ['or', ['bool', 'bool'], 'bool'],
  ['not', ['bool'], 'bool'],
];

interface Chain {
  readonly operands: readonly Operand[];
  readonly attrs: FusedAttrs;
  /** One of the type of each output. */
  readonly outs: readonly TypedArray[];
}

/** With `geometry` some of the numbers are summed. */
function randomChain(length: number, geometry?: () => ReduceAttrs): Chain {
  // A sum over special values would mostly be NaN.
  const numbers = operandsOf(length, geometry === undefined ? wild : plain);
  const flags = operandsOf(length, bools);
  const operands = [0, 1, 2, 3].map(() => numbers[randomInt(numbers.length)]!);
  operands.push(flags[randomInt(flags.length)]!);
  const types: Type[] = operands.map(({ data }) => (data instanceof Uint8Array ? 'bool' : 'float32'));
  const instructions = Array.from({ length: 1 + randomInt(20) }, (): FusedInstruction => {
    const [op, wanted, result] = table[randomInt(table.length)]!;
    const args = wanted.map((type) => {
      const fitting = types.flatMap((found, register) => (found === type ? [register] : []));
      return fitting[randomInt(fitting.length)]!;
    });
    types.push(result);
    return { op, args };
  });
  const last = types.length - 1;
  const outputs = [
    ...new Set([last, 5 + randomInt(instructions.length), 5 + randomInt(instructions.length)]),
  ];
  const sums = outputs.map((register) =>
    geometry !== undefined && types[register] === 'float32' && randomInt(3) > 0 ? geometry() : null,
  );
  const outs = outputs.map((register, i) => {
    const sum = sums[i];
    if (sum) return f32(sum.outer * sum.inner);
    return types[register] === 'bool' ? new Uint8Array(length).fill(9) : f32(length);
  });
  return { operands, attrs: { instructions, outputs, ...(geometry && { sums }) }, outs };
}

/** A way to see `length` elements as `[outer, size, inner]`. */
function randomGeometry(length: number): ReduceAttrs {
  const divisor = (of: number): number => {
    const all = Array.from({ length: of }, (_, i) => i + 1).filter((d) => of % d === 0);
    return all[randomInt(all.length)]!;
  };
  const size = divisor(length);
  const inner = randomInt(2) === 0 ? 1 : divisor(length / size);
  return { outer: length / size / inner, size, inner };
}

/** Runs the chain twice in the memory, the second time with the schedule of the first. */
function expectSameChain({ operands, attrs, outs }: Chain): void {
  clearMemory();
  const expected = outs.map((out) => out.slice());
  reference.fused(expected, operands, attrs);
  const placed = operands.map((operand) => ({ ...operand, data: place(operand.data) }));
  const results = outs.map(place);
  for (let time = 0; time < 2; time++) {
    wasm.fused(results, placed, attrs);
    for (const [i, result] of results.entries()) {
      expectCanaries(result);
      expect(firstDifference(result, expected[i]!), JSON.stringify(attrs)).toBeUndefined();
      result.fill(3);
    }
  }
}

describe('fused equals the reference', () => {
  it.each([0, 1, 5, 100, 1023, 1024, 1025, 4100])('in random chains over %i elements', (length) => {
    for (let trial = 0; trial < 60; trial++) expectSameChain(randomChain(length));
  });

  it.each([1, 5, 1023, 1024, 2730, 4100, 12000])('in sums of random chains over %i elements', (length) => {
    for (let trial = 0; trial < 40; trial++)
      expectSameChain(randomChain(length, () => randomGeometry(length)));
  });

  it.each<ReduceAttrs>([
    { outer: 1, size: 12345, inner: 1 },
    { outer: 3, size: 1500, inner: 1 },
    { outer: 40, size: 128, inner: 1 },
    { outer: 70, size: 65, inner: 1 },
    { outer: 1, size: 300, inner: 7 },
    { outer: 2, size: 129, inner: 33 },
    { outer: 8, size: 128, inner: 64 },
    { outer: 1, size: 130, inner: 1030 },
    { outer: 2, size: 5000, inner: 1 },
    { outer: 2, size: 777, inner: 9 },
    { outer: 1, size: 16, inner: 1030 },
    { outer: 2, size: 37, inner: 1100 },
    { outer: 2, size: 6, inner: 2048 },
    { outer: 3, size: 0, inner: 4 },
  ])('in sums over %o, with values and without', (sum) => {
    const length = sum.outer * sum.size * sum.inner;
    for (let trial = 0; trial < 3; trial++) expectSameChain(randomChain(length, () => sum));
  });

  it.each<ReduceAttrs>([
    { outer: 2, size: 17, inner: 32_803 },
    { outer: 1, size: 100, inner: 9000 },
  ])('in sums over %o, whose running sums the workspace has no room for', (sum) => {
    const period = sum.outer * sum.size * sum.inner;
    const run: Run = (kernels, out, [x, pattern, column]) =>
      kernels.fused(
        [out],
        [
          { data: x!, repeat: 1, period },
          { data: pattern!, repeat: 1, period: 37 },
          { data: column!, repeat: sum.inner, period: sum.outer * sum.size },
        ],
        {
          instructions: [
            { op: 'mul', args: [0, 1] },
            { op: 'add', args: [3, 2] },
          ],
          outputs: [4],
          sums: [sum],
        },
      );
    const inputs = [plain(period), plain(37), plain(sum.outer * sum.size)];
    expectSame(f32(sum.outer * sum.inner), inputs, run, sum);
  });

  it('in sums that no blocks suit together, over an operand that is written', () => {
    clearMemory();
    const [x, y] = [plain(6000), plain(6000)];
    const full = (data: TypedArray): Operand => ({ data, repeat: 1, period: 6000 });
    const attrs: FusedAttrs = {
      instructions: [{ op: 'mul', args: [0, 1] }],
      outputs: [2, 2, 2, 0],
      sums: [
        null,
        { outer: 8, size: 750, inner: 1 },
        { outer: 2, size: 3, inner: 1000 },
        { outer: 2, size: 3000, inner: 1 },
      ],
    };
    const outs = () => [6000, 8, 2000, 2].map(f32);
    const expected = outs();
    reference.fused(expected, [full(x), full(y)], attrs);
    const operand = place(x);
    const results = [operand, ...outs().slice(1).map(place)];
    wasm.fused(results, [full(operand), full(place(y))], attrs);
    for (const [i, result] of results.entries())
      expect(firstDifference(result, expected[i]!), `output ${i}`).toBeUndefined();
  });

  it('without its help', () => {
    const attrs: FusedAttrs = {
      instructions: [
        { op: 'sub', args: [0, 1] },
        { op: 'mul', args: [3, 2] },
        { op: 'lt', args: [4, 3] },
        { op: 'select', args: [5, 3, 4] },
      ],
      outputs: [6],
    };
    const run: Parameters<typeof expectSame>[2] = (kernels, out, [x, bias, weight]) =>
      kernels.fused(
        [out],
        [
          { data: x!, repeat: 1, period: 3000 },
          { data: bias!, repeat: 1, period: 30 },
          { data: weight!, repeat: 30, period: 100 },
        ],
        attrs,
      );
    expectSame(f32(3000), [wild(3000), wild(30), wild(100)], run, 'patterns');
    const sums: Parameters<typeof expectSame>[2] = (kernels, out, [x]) =>
      kernels.fused([out], [{ data: x!, repeat: 1, period: 3000 }], {
        instructions: [{ op: 'square', args: [0] }],
        outputs: [1],
        sums: [{ outer: 1, size: 100, inner: 30 }],
      });
    expectSame(f32(30), [plain(3000)], sums, 'sums');
  });

  it('writes over operands, also over those that a later step reads', () => {
    const length = 2500;
    const [a, b] = [wild(length), wild(length)];
    const full = (data: TypedArray): Operand => ({ data, repeat: 1, period: length });
    const attrs: FusedAttrs = {
      instructions: [
        { op: 'add', args: [0, 1] },
        { op: 'sub', args: [0, 1] },
        { op: 'mul', args: [1, 3] },
      ],
      outputs: [2, 3, 4, 2],
    };
    const expected = [0, 1, 2, 3].map(() => f32(length));
    reference.fused(expected, [full(a), full(b)], attrs);
    clearMemory();
    const [x, y, z, w] = [place(a), place(b), place(f32(length)), place(f32(length))];
    wasm.fused([x, y, z, w], [full(x), full(y)], attrs);
    for (const [i, result] of [x, y, z, w].entries())
      expect(firstDifference(result, expected[i]!)).toBeUndefined();
  });

  it.each([1, 5, 1023, 1025, 4100])(
    'in random chains over %i elements that write over operands',
    (length) => {
      for (let trial = 0; trial < 80; trial++) {
        const chain = randomChain(length, trial % 2 === 0 ? undefined : () => randomGeometry(length));
        const own = [0, 1, 2].map(() => ({ data: plain(length), repeat: 1, period: length }));
        const operands = [...own, ...chain.operands.slice(own.length)];
        const expected = chain.outs.map((out) => out.slice());
        reference.fused(expected, operands, chain.attrs);
        clearMemory();
        const placed = operands.map((operand) => ({ ...operand, data: place(operand.data) }));
        const outs = chain.outs.map((out, i) => {
          const isOver = out instanceof Float32Array && !chain.attrs.sums?.[i];
          return isOver ? placed[i]!.data : place(out);
        });
        wasm.fused(outs, placed, chain.attrs);
        for (const [i, out] of outs.entries()) {
          expectCanaries(out);
          expect(firstDifference(out, expected[i]!), JSON.stringify(chain.attrs)).toBeUndefined();
        }
      }
    },
  );

  it('sees that arrays or chain have changed', () => {
    clearMemory();
    const outs = [place(f32(4))];
    const operand = (value: number): Operand => ({
      data: place(new Float32Array(4).fill(value)),
      repeat: 1,
      period: 4,
    });
    const operands = [operand(2)];
    const chain = (op: 'square' | 'neg'): FusedAttrs => ({
      instructions: [{ op, args: [0] }],
      outputs: [1],
    });
    const first = chain('square');
    const results = [
      () => wasm.fused(outs, operands, first),
      () => wasm.fused(outs, operands, chain('neg')),
      () => wasm.fused(outs, [operand(5)], first),
    ].map((call) => {
      call();
      return outs[0]![3];
    });
    expect(results).toEqual([4, -2, 25]);
  });

  it('leaves other arrays to the reference', () => {
    const attrs: FusedAttrs = { instructions: [{ op: 'neg', args: [0] }], outputs: [1] };
    const out = f32(2);
    wasm.fused([out], [{ data: Float32Array.of(1, -2), repeat: 1, period: 2 }], attrs);
    expect([...out]).toEqual([-1, 2]);
  });
});
