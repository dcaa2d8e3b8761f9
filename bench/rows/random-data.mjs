import { foldIn, fromArrays, keyTensor, uniform } from 'lockstep';

const NUM_CLASSES = 10;

/** Uniform inputs in [0, 1) of shape `shape`, [H, W, C] or [features], with random labels. */
export function randomData(numSamples, shape) {
  const key = keyTensor([0, 1]);
  const labels = uniform(foldIn(key, 1), [numSamples], 0, NUM_CLASSES).data;
  return fromArrays(
    { x: uniform(foldIn(key, 0), [numSamples, ...shape]).toArray(), y: Int32Array.from(labels) },
    { name: 'random', dtypes: { y: 'int32' } },
  );
}
