import type { Storage } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import { tensorsOfTree, treeOfTensors } from './trees.ts';

const weight: Storage = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) };
const bias: Storage = { dtype: 'float32', shape: [], data: Float32Array.of(3) };
const params = { layers: [{ w: weight, b: bias }, null] };

describe('tensorsOfTree and treeOfTensors', () => {
  it('name arrays by their path and put them back', () => {
    const tensors = { ...tensorsOfTree('params', params), ...tensorsOfTree('step', bias) };
    expect(Object.keys(tensors).sort()).toEqual(['params/layers/0/b', 'params/layers/0/w', 'step']);
    expect(treeOfTensors('params', params, tensors)).toEqual(params);
    expect(treeOfTensors('step', bias, tensors)).toEqual(bias);
  });

  it('name the tensor that does not fit', () => {
    const tensors = tensorsOfTree('params', params);
    expect(() => treeOfTensors('params', { layers: [{ w: bias, b: bias }] }, tensors)).toThrow(
      "tensor 'params/layers/0/w' is float32 [2], the experiment expects float32 []",
    );
    expect(() => treeOfTensors('params', { v: bias }, tensors)).toThrow("'params/v' is missing");
  });
});
