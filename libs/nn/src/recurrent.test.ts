import { normal, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { orthogonal } from './initializers.ts';
import type { Layer } from './layer.ts';
import { gru, lstm, rnn } from './recurrent.ts';

const key = tensor(Uint32Array.of(3, 5));
const x = normal(key, [2, 5, 3]);

function applied<P, S>(layer: Layer<P, S>, rows: Tensor): Tensor {
  const { params, state } = layer.init(key, rows.shape.slice(1));
  return layer.apply(params, state, rows, { training: false, key, weights: ones([rows.shape[0]!]) })[0];
}

describe.each([
  ['rnn', rnn],
  ['lstm', lstm],
  ['gru', gru],
] as const)('%s', (kind, make) => {
  it('gives the end of the sequence as its last output', () => {
    const all = applied(make(4), x);
    expect(applied(make(4, { output: 'last' }), x).data).toEqual(all.slice([0, 4], [2, 5]).data);
  });

  it('reads no later time, and backward no earlier time', () => {
    const start = x.slice([0, 0], [2, 3]);
    expect(applied(make(4), start).data).toEqual(applied(make(4), x).slice([0, 0], [2, 3]).data);
    const both = make(4, { bidirectional: true });
    const backward = (rows: Tensor): Tensor => applied(both, rows).slice([0, 0, 4], [2, rows.shape[1]!, 8]);
    const end = x.slice([0, 2], [2, 5]);
    expect(backward(end).data).toEqual(backward(x).slice([0, 2], [2, 5]).data);
    const last = applied(make(4, { bidirectional: true, output: 'last' }), x);
    expect(last.slice([0, 4], [2, 8]).data).toEqual(backward(x).slice([0, 0], [2, 1]).data);
  });

  it('draws its parameters within ±1/√units, each from its own key', () => {
    const { params } = make(16, { layers: 2 }).init(key, [5, 3]);
    const first = params[0]![0]!;
    const { kernel, recurrent, inputBias, recurrentBias } = first;
    for (const leaf of [kernel, recurrent, inputBias!, recurrentBias!])
      expect(Math.max(...leaf.abs().data)).toBeLessThanOrEqual(0.25);
    expect(inputBias!.data).not.toEqual(recurrentBias!.data);
    expect(params[1]![0]!.recurrent.data).not.toEqual(recurrent.data);
    const { recurrent: square } = rnn(4, { recurrentInit: orthogonal() }).init(key, [5, 3]).params[0]![0]!;
    const gram = square.matmul(square, { transposeA: true });
    expect(gram.at(0, 1).item()).toBeCloseTo(0, 5);
    expect(gram.at(1, 1).item()).toBeCloseTo(1, 5);
  });

  it('refuses rows that are no sequences, and invalid counts', () => {
    expect(() => make(4).init(key, [3])).toThrow(
      `${kind}: takes sequences [time, features], not rows of shape [3]`,
    );
    expect(() => make(0)).toThrow(`${kind}: units is 0`);
    expect(() => make(2, { layers: 0 })).toThrow(`${kind}: layers is 0`);
    expect(() => make(2, { dropout: 1 })).toThrow(`${kind}: the rate is 1`);
  });
});
