import type { Aval } from '@lockstep/autodiff';
import { allocate, sizeOf, type TypedArray } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import { type Groups, itemsOf } from './groups.ts';
import type { ProgramForm } from './programs.ts';
import {
  evaluationSignature,
  initSignature,
  packArrays,
  replicaGroups,
  shardSignature,
  updateSignature,
} from './signatures.ts';

const float = (name: string, ...shape: number[]) => ({ name, dtype: 'float32' as const, shape });

const form: ProgramForm = {
  params: [float('w', 3), float('b')],
  state: [float('mean', 3)],
  optState: [float('0/w', 3), float('0/b'), float('0/weight')],
  columns: [float('x', 3)],
  rowsPerShard: 4,
  stepMetrics: ['loss', 'gradientNorm', 'accuracy'],
  evaluationMetrics: ['loss', 'accuracy'],
  evaluated: { params: [3, 4], state: [2], averageWeight: [5] },
  hasPenalty: true,
  skipsNonFinite: false,
};

const array = ({ dtype, shape }: Aval): TypedArray => allocate(dtype, sizeOf(shape));
const lengths = (groups: Groups<Aval>): number[] => itemsOf<Aval>(groups).map(({ shape }) => sizeOf(shape));

describe('the signatures of a run', () => {
  it('say what the programs take and give', () => {
    const shard = shardSignature(form, 2);
    expect(Object.keys(shard.inputs)).toEqual(['params', 'state', 'columns', 'weights', 'keys']);
    expect(lengths(shard.inputs)).toEqual([3, 1, 3, 2 * 4 * 3, 2 * 4, 2 * 2]);
    // Sums of the loss, of accuracy and of the weights.
    expect(shard.outputs.sums.shape).toEqual([3]);
    expect(itemsOf<Aval>(evaluationSignature(form, 2).inputs)).toHaveLength(7);
    expect(initSignature(form).outputs).toEqual(replicaGroups(form));
    const update = updateSignature(form);
    expect(Object.keys(update.outputs)).toEqual(['params', 'optState', 'guard', 'stepMetrics']);
    expect(lengths(update.given)).toEqual([3, 3]);
    expect(lengths(updateSignature({ ...form, hasPenalty: false }).given)).toEqual([2, 3]);
  });

  it('begin an update with what it overwrites', () => {
    const { inPlace, inputs, outputs } = updateSignature(form);
    const replaced = itemsOf<Aval>(inPlace);
    expect(itemsOf<Aval>(inputs).slice(0, replaced.length)).toEqual(replaced);
    expect(itemsOf<Aval>(outputs).slice(0, replaced.length)).toEqual(replaced);
  });
});

describe('packArrays', () => {
  const { inputs } = shardSignature(form, 2);
  const arrays = {
    params: inputs.params.map(array),
    state: inputs.state.map(array),
    columns: inputs.columns.map(array),
    weights: array(inputs.weights),
    keys: array(inputs.keys),
  };

  it('gives the arrays in the order of the program', () => {
    const { params, state, columns, weights, keys } = arrays;
    expect(packArrays(inputs, arrays)).toEqual([...params, ...state, ...columns, weights, keys]);
  });

  it('refuses arrays that are swapped', () => {
    const { weights, keys, params } = arrays;
    expect(() => packArrays(inputs, { ...arrays, weights: keys, keys: weights })).toThrow(
      /an array has the element type and the size of its place/,
    );
    expect(() => packArrays(inputs, { ...arrays, params: params.toReversed() })).toThrow(/of its place/);
    // @ts-expect-error lists of arrays in the place of single arrays
    expect(() => packArrays(inputs, { ...arrays, weights: params, params: weights })).toThrow();
  });
});
