import { expect, it } from 'vitest';
import { nearNames } from './near.ts';

it.each([
  ['trian', ['train', 'resume', 'keys'], ['train']],
  ['worker', ['workers', 'worker', 'keys'], ['worker', 'workers']],
  ['mnist', ['mnist-cnn.ts', 'logistic.ts'], ['mnist-cnn.ts']],
  ['MNIST-CNN.ts', ['mnist-cnn.ts'], ['mnist-cnn.ts']],
  ['zzzzzz', ['train', 'resume'], []],
  ['', ['train'], []],
])('%j among %j is %j', (name, candidates, near) => {
  expect(nearNames(name, candidates)).toEqual(near);
});

it('gives the nearest candidates up to the limit', () => {
  expect(nearNames('run-1', ['run-4', 'run-3', 'run-2', 'run-1x'], 2)).toEqual(['run-1x', 'run-2']);
});
