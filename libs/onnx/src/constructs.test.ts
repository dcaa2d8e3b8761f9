import {
  checkpoint,
  cond,
  forLoop,
  jit,
  mapOver,
  scan,
  switchCase,
  type Tensor,
  tensor,
  whileLoop,
} from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { exportOnnx, type OnnxInput } from './export.ts';
import { check, python } from './fixtures/checker.ts';
import { expectClose, expectSame, runModel, sample } from './fixtures/runtime.ts';

const x: OnnxInput = { name: 'x', dtype: 'float32', shape: ['batch', 5, 3] };
const weight = tensor(sample({ name: '', dtype: 'float32', shape: [3, 3] }, 1).data, { shape: [3, 3] });
const byTime = (a: Tensor): Tensor => a.transpose([1, 0, 2]);
const start = (a: Tensor): Tensor => a.sum(1).mul(0);

/** Scans a recurrent cell over the middle axis; returns the last state and all states. */
const recurrent =
  (options: { reverse?: boolean } = {}) =>
  (a: Tensor): Tensor[] => {
    const step = (state: Tensor, own: Tensor): [Tensor, Tensor] => {
      const next = state.matmul(weight).add(own).tanh();
      return [next, next.mul(2)];
    };
    const [last, all] = scan(step, start(a), byTime(a), options);
    return [last, byTime(all)];
  };

/** All models of this file, for one run of the checker, which starts slowly. */
const models: Uint8Array[] = [];

describe('control flow in ONNX Runtime', () => {
  it.each([{}, { reverse: true }])('a scan of any length is one Scan node: %o', async (options) => {
    const { operators, bytes } = await expectSame(recurrent(options), [x], sample);
    expect(operators).toMatchObject({ Scan: 1, MatMul: 1, Tanh: 1 });
    models.push(bytes);
  });

  it('a loop of a fixed number of turns that reads outer values', async () => {
    const f = (a: Tensor): Tensor => forLoop(0, 4, (i, s) => s.add(a.mul(i.cast('float32'))).mul(0.5), a);
    const { operators } = await expectSame(f, [x], sample);
    expect(operators).toMatchObject({ Scan: 1 });
  });

  it('a map over rows', async () => {
    await expectSame((a) => mapOver((row: Tensor) => row.matmul(weight).sum(0), byTime(a)), [x], sample);
  });

  it('a loop whose number of turns depends on values', async () => {
    const f = (a: Tensor): Tensor[] => {
      const halve = ([v, n]: readonly [Tensor, Tensor]): [Tensor, Tensor] => [v.mul(0.5), n.add(1)];
      const [v, n] = whileLoop(([v]: readonly [Tensor, Tensor]) => v.abs().max().greater(0.1), halve, [
        a,
        tensor(0, { dtype: 'int32' }),
      ]);
      return [v, n];
    };
    const { operators, bytes } = await expectSame(f, [x], sample);
    models.push(bytes);
    expect(operators).toMatchObject({ Loop: 1 });
  });

  it('one of two branches', async () => {
    const f = (a: Tensor): Tensor =>
      cond(
        a.sum().greater(0),
        (b: Tensor) => b.matmul(weight),
        (b: Tensor) => b.mul(-1),
        a,
      );
    const model = exportOnnx(f, { inputs: [x] });
    models.push(model.bytes);
    expect(model.operators).toMatchObject({ If: 1 });
    const given = [1, -1].map((sign) => sample(x, 2).add(sign));
    const found = await runModel(
      model,
      given.map((a) => [a]),
    );
    for (const [i, a] of given.entries()) expectClose(found[i]![0]!, f(a));
  });

  it('one of many branches, by an index that may be out of range', async () => {
    const branches = [1, 2, 3].map((factor) => (b: Tensor) => b.mul(factor));
    const f = (i: Tensor, a: Tensor): Tensor => switchCase(i, branches, a);
    const index: OnnxInput = { name: 'i', dtype: 'int32', shape: [] };
    const model = exportOnnx(f, { inputs: [index, x] });
    const given = [-1, 0, 1, 2, 9].map((i) => [tensor(i, { dtype: 'int32' }), sample(x, 2)] as const);
    const found = await runModel(model, given);
    for (const [i, [place, a]] of given.entries()) expectClose(found[i]![0]!, f(place, a));
  });

  it('loops within branches within loops', async () => {
    const f = (a: Tensor): Tensor =>
      forLoop(
        0,
        3,
        (i, s) => {
          const more = (b: Tensor): Tensor => forLoop(0, 2, (_j, t) => t.matmul(weight).add(a), b);
          return cond(i.equal(1), more, (b: Tensor) => b.add(1), s);
        },
        a,
      );
    await expectSame(f, [x], sample);
  });

  it('custom derivatives and checkpoints add no nodes', async () => {
    const f = (a: Tensor): Tensor =>
      jit((b: Tensor) => checkpoint((c: Tensor) => c.sin())(b) as Tensor)(a) as Tensor;
    const { operators } = await expectSame(f, [x], sample);
    expect(operators).toEqual({ Sin: 1 });
  });

  it.skipIf(python === undefined)(
    'passes the checker of ONNX',
    () => {
      expect(check(models)).toHaveLength(4);
    },
    30_000,
  );
});
