/** Fused chains: the bits of the single kernels, one after the other. */
import type { TypedArray } from '@lockstep/tensor';
import { expect } from 'vitest';
import {
  ADAM,
  GEOMETRIES,
  geometry,
  mixedChain,
  outputOf,
  randomGeometry,
  typedChain,
  withoutBools,
} from '../fixtures/chains.ts';
import {
  type Backend,
  conforms,
  expectAllSame,
  expectSame,
  f32,
  firstDifference,
  type Run,
  type RunAll,
} from '../fixtures/conformance.ts';
import { clearMemory, place } from '../fixtures/memory.ts';
import { bools, coarse, full, operands, pick, plain, randomInt, scalar, wild } from '../fixtures/random.ts';
import type { FusedAttrs, Operand, ReduceAttrs } from '../kernels.ts';

/** Random chains of each length. */
const numChains = (all: number): number =>
  process.env.LOCKSTEP_THOROUGH === '1' ? all : Math.ceil(all / 10);

const withData = (chain: readonly Operand[], data: readonly TypedArray[]): Operand[] =>
  chain.map((operand, i) => ({ ...operand, data: data[i]! }));

const dataOf = (chain: readonly Operand[]): TypedArray[] => chain.map(({ data }) => data);

/** The wasm kernels leave chains that take bools for numbers, or numbers for bools, to the reference; also empty ones. */
const MIXED = { mayAskReference: ['wasm'] } as const;

/** Compares a chain twice, the second time with what the backend has prepared for the first. */
function expectChain(
  backend: Backend,
  outs: readonly TypedArray[],
  inputs: readonly Operand[],
  attrs: FusedAttrs,
  options: Partial<typeof MIXED> = {},
): void {
  const run: RunAll = (k, results, data) => {
    if (k.name !== 'reference') k.fused(results, withData(inputs, data), attrs);
    for (const result of results) result.fill(3);
    k.fused(results, withData(inputs, data), attrs);
  };
  expectAllSame(backend, outs, dataOf(inputs), run, attrs, options);
}

/** Compares a chain whose outputs lie in the operands of the same place, unless `isOver` says otherwise. */
function expectInPlace(
  backend: Backend,
  outs: readonly TypedArray[],
  inputs: readonly Operand[],
  attrs: FusedAttrs,
  isOver: (output: number) => boolean = () => true,
  options: Partial<typeof MIXED> = {},
): void {
  const run: RunAll = (k, results, data) => {
    const targets = results.map((result, i) => (isOver(i) ? data[i]! : result));
    k.fused(targets, withData(inputs, data), attrs);
    for (const [i, result] of results.entries()) if (isOver(i)) result.set(data[i]!);
  };
  const apart: RunAll = (k, results, data) => k.fused(results, withData(inputs, data), attrs);
  expectAllSame(backend, outs, dataOf(inputs), run, attrs, { ...options, apart });
}

for (const length of [0, 1, 5, 100, 1023, 1024, 1025, 4100]) {
  conforms(`random chains over ${length} elements`, (backend) => {
    for (let trial = 0; trial < numChains(60); trial++) {
      const { inputs, attrs, outs } = typedChain(length);
      expectChain(backend, outs, inputs, attrs, length === 0 ? MIXED : {});
    }
  });
}

for (const length of [1, 5, 1023, 1024, 2730, 4100, 12000]) {
  conforms(`sums of random chains over ${length} elements`, (backend) => {
    for (let trial = 0; trial < numChains(40); trial++) {
      const { inputs, attrs, outs } = typedChain(length, () => randomGeometry(length));
      expectChain(backend, outs, inputs, attrs);
    }
  });
}

for (const sizes of [
  [1, 12345, 1],
  [3, 1500, 1],
  [40, 128, 1],
  [70, 65, 1],
  [1, 300, 7],
  [2, 129, 33],
  [8, 128, 64],
  [1, 130, 1030],
  [2, 5000, 1],
  [2, 777, 9],
  [1, 16, 1030],
  [2, 37, 1100],
  [2, 6, 2048],
  [3, 0, 4],
] as const) {
  conforms(`sums of random chains over [${sizes.join(', ')}], with values and without`, (backend) => {
    const sum = geometry(sizes);
    const length = numElements(sum);
    for (let trial = 0; trial < 3; trial++) {
      const { inputs, attrs, outs } = typedChain(length, () => sum);
      expectChain(backend, outs, inputs, attrs, length === 0 ? MIXED : {});
    }
  });
}

for (const length of [1, 5, 1023, 1025, 4100]) {
  conforms(`random chains over ${length} elements that write over operands`, (backend) => {
    for (let trial = 0; trial < numChains(80); trial++) {
      const { inputs, attrs, outs } = typedChain(
        length,
        trial % 2 === 0 ? undefined : () => randomGeometry(length),
      );
      const own = [...[0, 1, 2].map(() => full(plain(length))), ...inputs.slice(3)];
      expectInPlace(backend, outs, own, attrs, (i) => outs[i] instanceof Float32Array && !attrs.sums?.[i]);
    }
  });
}

conforms('random chains of mixed types', (backend) => {
  for (let trial = 0; trial < numChains(140); trial++) {
    const size = pick([1, 7, 16, 100, 511, 513, 1300]);
    const inputs = Array.from({ length: 1 + randomInt(5) }, () =>
      pick(operands(size, pick([wild, plain, coarse, bools]))),
    );
    const attrs = mixedChain(inputs.length, 1 + randomInt(12), 1 + randomInt(3));
    const outs = attrs.outputs.map((output) => outputOf(size, output, inputs.length, attrs));
    expectChain(backend, outs, inputs, attrs, MIXED);
  }
});

/** A chain of numbers over `inputs`, with some of its registers summed. */
function summedChain(
  numOperands: number,
  numInstructions: number,
  numOutputs: number,
  numSums: number,
  sums: readonly ReduceAttrs[],
): Required<FusedAttrs> {
  const chain = withoutBools(mixedChain(numOperands, numInstructions, numOutputs));
  const summed = Array.from({ length: numSums }, () => randomInt(numOperands + chain.instructions.length));
  return {
    ...chain,
    outputs: [...chain.outputs, ...summed],
    sums: [...chain.outputs.map(() => null), ...summed.map(() => pick(sums))],
  };
}

/** Arrays for a chain over `length` elements. */
const outputsOf = ({ sums }: Required<FusedAttrs>, length: number): Float32Array[] =>
  sums.map((sum) => f32(sum === null ? length : sum.outer * sum.inner));

const numElements = ({ outer, size, inner }: ReduceAttrs): number => outer * size * inner;

conforms('random chains with random sums', (backend) => {
  for (let trial = 0; trial < numChains(150); trial++) {
    const sums = pick(GEOMETRIES);
    const length = numElements(sums[0]!);
    const inputs = Array.from({ length: 1 + randomInt(4) }, () =>
      pick(operands(length, pick([wild, plain]))),
    );
    const attrs = summedChain(inputs.length, randomInt(8), 1 + randomInt(2), 1 + randomInt(3), sums);
    expectChain(backend, outputsOf(attrs, length), inputs, attrs, MIXED);
  }
});

conforms('random chains that write over their operands, with sums and without', (backend) => {
  for (let trial = 0; trial < numChains(200); trial++) {
    const sums = pick(GEOMETRIES);
    const length = numElements(sums[0]!);
    const own = [0, 1, 2].map(() => full(plain(length)));
    const inputs = [...own, pick(operands(length, plain)), pick(operands(length, plain))];
    const attrs = summedChain(inputs.length, 1 + randomInt(12), 1 + randomInt(3), randomInt(3), sums);
    expectInPlace(
      backend,
      outputsOf(attrs, length),
      inputs,
      attrs,
      (i) => i < own.length && attrs.sums[i] === null,
      MIXED,
    );
  }
});

conforms('sums alone, in the order of reduce', (backend) => {
  for (const sum of GEOMETRIES.flat()) {
    const length = numElements(sum);
    for (const data of [plain, wild]) {
      const product: Run = (k, o, [x, y]) =>
        k.fused([o], [full(x!), full(y!)], {
          instructions: [{ op: 'mul', args: [0, 1] }],
          outputs: [2],
          sums: [sum],
        });
      expectSame(backend, f32(sum.outer * sum.inner), [data(length), data(length)], product, sum);
      const operand: Run = (k, o, [x]) =>
        k.fused([o], [full(x!)], { instructions: [], outputs: [0], sums: [sum] });
      expectSame(backend, f32(sum.outer * sum.inner), [data(length)], operand, sum);
    }
  }
});

for (const sizes of [
  [2, 17, 32_803],
  [1, 100, 9000],
] as const) {
  conforms(`sums over [${sizes.join(', ')}], for whose columns a workspace has no room`, (backend) => {
    const sum = geometry(sizes);
    const length = numElements(sum);
    const inputs = [
      full(plain(length)),
      full(plain(37)),
      { data: plain(sum.outer * sum.size), repeat: sum.inner, period: sum.outer * sum.size },
    ];
    const attrs: FusedAttrs = {
      instructions: [
        { op: 'mul', args: [0, 1] },
        { op: 'add', args: [3, 2] },
      ],
      outputs: [4],
      sums: [sum],
    };
    expectChain(backend, [f32(sum.outer * sum.inner)], inputs, attrs);
  });
}

conforms('sums that no blocks suit together, over an operand that is written', (backend) => {
  const attrs: FusedAttrs = {
    instructions: [{ op: 'mul', args: [0, 1] }],
    outputs: [2, 2, 2, 0],
    sums: [
      null,
      ...(
        [
          [8, 750, 1],
          [2, 3, 1000],
          [2, 3000, 1],
        ] as const
      ).map(geometry),
    ],
  };
  const inputs = [full(plain(6000)), full(plain(6000))];
  expectInPlace(backend, [6000, 8, 2000, 2].map(f32), inputs, attrs, (i) => i === 0);
});

conforms('sums beside outputs over their operands', (backend) => {
  const size = 1300;
  const attrs: FusedAttrs = {
    instructions: [
      { op: 'sub', args: [0, 1] },
      { op: 'mul', args: [2, 2] },
    ],
    outputs: [2, 0, 3, 1, 2],
    sums: [
      null,
      ...(
        [
          [1, size, 1],
          [13, 100, 1],
          [1, 13, 100],
          [2, 130, 5],
        ] as const
      ).map(geometry),
    ],
  };
  const inputs = [full(plain(size)), full(plain(size))];
  const outs = [size, 1, 13, 100, 10].map(f32);
  expectChain(backend, outs, inputs, attrs);
  expectInPlace(backend, outs, inputs, attrs, (i) => i === 0);
});

conforms('patterns', (backend) => {
  const attrs: FusedAttrs = {
    instructions: [
      { op: 'sub', args: [0, 1] },
      { op: 'mul', args: [3, 2] },
      { op: 'lt', args: [4, 3] },
      { op: 'select', args: [5, 3, 4] },
    ],
    outputs: [6],
  };
  const inputs = [full(wild(3000)), full(wild(30)), { data: wild(100), repeat: 30, period: 100 }];
  expectChain(backend, [f32(3000)], inputs, attrs);
});

conforms('outputs over operands that a later step reads', (backend) => {
  const attrs: FusedAttrs = {
    instructions: [
      { op: 'add', args: [0, 1] },
      { op: 'sub', args: [0, 1] },
      { op: 'mul', args: [1, 3] },
      { op: 'mul', args: [0, 2] },
    ],
    outputs: [2, 3, 4, 5, 2],
  };
  for (const length of [1000, 2500]) {
    const inputs = [full(wild(length)), full(wild(length))];
    const outs = attrs.outputs.map(() => f32(length));
    expectInPlace(backend, outs, inputs, attrs, (i) => i < 2);
    expectInPlace(backend, outs, inputs, attrs, (i) => i < 1);
  }
});

conforms('two outputs that change places', (backend) => {
  const attrs: FusedAttrs = { instructions: [], outputs: [1, 0] };
  expectInPlace(backend, [f32(300), f32(300)], [full(wild(300)), full(wild(300))], attrs);
});

conforms('Adam over its own operands, and apart', (backend) => {
  const state = [plain(1300), plain(1300), plain(1300).map(Math.abs), plain(1300)];
  const inputs = [...state.map(full), ...[0.9, 0.1, 0.999, 0.001, 1e-8, 1e-3].map(scalar)];
  const outs = [f32(1300), f32(1300), f32(1300)];
  expectChain(backend, outs, inputs, ADAM);
  expectInPlace(backend, outs, inputs, ADAM);
});

conforms('sums of no elements, which are zero', ({ kernels }) => {
  const attrs: FusedAttrs = { instructions: [], outputs: [0], sums: [geometry([2, 0, 3])] };
  const out = f32(6);
  kernels.fused([out], [full(f32(0))], attrs);
  expect([...out]).toEqual([0, 0, 0, 0, 0, 0]);
});

conforms('other arrays, or another chain, in the same places', ({ kernels }) => {
  clearMemory();
  const outs = [place(f32(4))];
  const operand = (value: number): Operand => full(place(new Float32Array(4).fill(value)));
  const chain = (op: 'square' | 'neg'): FusedAttrs => ({
    instructions: [{ op, args: [0] }],
    outputs: [1],
  });
  const [inputs, first] = [[operand(2)], chain('square')];
  const calls: (readonly [Operand[], FusedAttrs])[] = [
    [inputs, first],
    [inputs, chain('neg')],
    [[operand(5)], first],
  ];
  const results = calls.map(([given, attrs]) => {
    kernels.fused(outs, given, attrs);
    return outs[0]![3];
  });
  expect(results).toEqual([4, -2, 25]);
});

conforms('arrays in any memory', ({ kernels }) => {
  const attrs: FusedAttrs = { instructions: [{ op: 'neg', args: [0] }], outputs: [1] };
  const out = f32(2);
  kernels.fused([out], [full(Float32Array.of(1, -2))], attrs);
  expect(firstDifference(out, Float32Array.of(-1, 2))).toBeUndefined();
});
