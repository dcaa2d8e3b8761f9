import type { TypedArray } from '@lockstep/tensor';
import { conforms, expectSame, f32, type Run, SIZES } from '../fixtures/conformance.ts';
import {
  bools,
  coarse,
  full,
  ints,
  magnitudes,
  operands,
  pick,
  plain,
  SPECIAL,
  scalar,
  wild,
} from '../fixtures/random.ts';
import type { Operand } from '../kernels.ts';
import { binaryOps, type CompareOp, comparisonOps, unaryOps } from '../operations.ts';

for (const op of unaryOps) {
  conforms(`unary ${op}`, (backend) => {
    const run: Run = (k, o, [x]) => k.unary(op, o, x!);
    for (const size of SIZES) expectSame(backend, f32(size), [wild(size)], run, size);
    const steps = Float32Array.from({ length: 4000 }, (_, i) => (i - 2000) * 0.053);
    expectSame(backend, f32(steps.length), [steps], run, 'steps');
    expectSame(backend, f32(5000), [magnitudes], run, 'magnitudes');
    for (const x of SPECIAL) expectSame(backend, f32(1), [Float32Array.of(x)], run, x);
  });
}

for (const op of binaryOps) {
  conforms(`binary ${op}`, (backend) => {
    for (const size of [1, 5, 31, 1025, 2500]) {
      for (const a of operands(size, wild)) {
        for (const b of [pick(operands(size, wild)), pick(operands(size, coarse))]) {
          const run: Run = (k, o, [x, y]) => k.binary(op, o, { ...a, data: x! }, { ...b, data: y! });
          const about = [size, a.repeat, a.period, b.repeat, b.period];
          expectSame(backend, f32(size), [a.data, b.data], run, about);
        }
      }
    }
  });
}

const comparing =
  (op: CompareOp, a: Operand, b: Operand): Run =>
  (k, o, [x, y]) =>
    k.compare(op, o as Uint8Array, { ...a, data: x! }, { ...b, data: y! });
const unset = (size: number): Uint8Array => new Uint8Array(size).fill(9);

for (const op of comparisonOps) {
  conforms(`compare ${op}`, (backend) => {
    for (const size of [1, 15, 16, 33, 1040]) {
      for (const a of operands(size, coarse)) {
        const b = pick(operands(size, coarse));
        expectSame(backend, unset(size), [a.data, b.data], comparing(op, a, b), [size, a.repeat, a.period]);
      }
    }
  });
}

conforms('and, or, not', (backend) => {
  const options = { mayAskReference: ['wasm'] } as const;
  for (const size of [1, 33, 1040]) {
    for (const a of operands(size, bools)) {
      const b = pick(operands(size, bools));
      for (const op of ['and', 'or'] as const) {
        const about = [op, size, a.repeat, a.period];
        expectSame(backend, unset(size), [a.data, b.data], comparing(op, a, b), about, options);
      }
    }
    const not: Run = (k, o, [x]) => k.unary('not', o, x!);
    expectSame(backend, unset(size), [bools(size)], not, size, options);
  }
});

for (const [dtype, data] of [
  ['float32', wild],
  ['int32', ints],
] as const) {
  conforms(`select of ${dtype}`, (backend) => {
    for (const size of [1, 6, 1030]) {
      for (const condition of operands(size, bools)) {
        const [a, b] = [pick(operands(size, data)), pick(operands(size, data))];
        const run: Run = (k, o, [c, x, y]) =>
          k.select(o, { ...condition, data: c! }, { ...a, data: x! }, { ...b, data: y! });
        const inputs = [condition.data, a.data, b.data];
        expectSame(backend, data(size), inputs, run, [size, condition.repeat]);
      }
    }
  });
}

conforms('binary over one of its operands', (backend) => {
  const run: Run = (k, o, [y]) => k.binary('sub', o, full(y!), full(o));
  expectSame(backend, wild(1300), [wild(1300)], run, 'in place');
});

conforms('no elements, whatever the patterns', (backend) => {
  const rows = { data: wild(3), repeat: 0, period: 3 };
  const run: Run = (k, o) => {
    k.binary('add', o, rows, full(f32(0)));
    k.compare('lt', new Uint8Array(0), rows, full(f32(0)));
    k.select(o, { ...rows, data: new Uint8Array(3) }, rows, rows);
    k.fused([o], [rows], { instructions: [{ op: 'add', args: [0, 0] }], outputs: [1] });
  };
  // The operands lie outside the wasm memory.
  expectSame(backend, f32(0), [], run, 'empty', { mayAskReference: ['wasm'] });
});

conforms('division by powers of two and by other numbers', (backend) => {
  const divisors = [1, 2, -32, 0.5, 2 ** 126, 2 ** 127, 2 ** -126, 2 ** -127, 3, 0, -0, Infinity, NaN];
  for (const divisor of divisors) {
    const run: Run = (k, o, [x, y]) => k.binary('div', o, full(x!), { ...scalar(divisor), data: y! });
    expectSame(backend, f32(700), [wild(700), Float32Array.of(divisor)], run, divisor);
  }
});

conforms('fill and cast', (backend) => {
  const large = (size: number) => Float32Array.from(plain(size), (x) => x * 2 ** 33);
  const arrays = (size: number): TypedArray[] => [wild(size), large(size), ints(size), bools(size)];
  const options = { mayAskReference: ['wasm'] } as const;
  for (const size of SIZES) {
    expectSame(backend, f32(size), [], (k, o) => k.fill(o, 0.1), size, options);
    for (const from of arrays(size)) {
      for (const to of arrays(size)) {
        expectSame(backend, to, [from], (k, o, [x]) => k.cast(o, x!), size, options);
      }
    }
  }
});
