import { foldIn, fromArrays, keyTensor, uniform } from 'lockstep';

const key = keyTensor([0, 1]);

/** Uniform inputs in [0, 1) of shape `shape`, [H, W, C] or [features], with random labels of ten classes. */
export function randomData(numSamples, shape) {
  const inputs = /** @type {any[]} */ (uniform(foldIn(key, 0), [numSamples, ...shape]).toArray());
  return fromArrays(
    { x: inputs, y: randomIntegers(numSamples, 10) },
    { name: 'random', dtypes: { y: 'int32' } },
  );
}

/** Random windows of a text of `vocabulary` characters: inputs [length] and the characters that follow them. */
export function randomText(numSamples, length, vocabulary) {
  const windows = Array.from({ length: numSamples }, (_, i) => randomIntegers(length + 1, vocabulary, i));
  return fromArrays(
    { x: windows.map((ids) => ids.subarray(0, length)), y: windows.map((ids) => ids.subarray(1)) },
    { name: 'random text', dtypes: { x: 'int32', y: 'int32' } },
  );
}

function randomIntegers(count, below, stream = 0) {
  return Int32Array.from(uniform(foldIn(foldIn(key, 1), stream), [count], 0, below).data);
}
