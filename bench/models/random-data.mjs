import { foldIn, fromArrays, keyTensor, uniform } from 'lockstep';

const key = keyTensor([0, 1]);

/** Uniform inputs in [0, 1) with shape [H, W, C] or [features], and random labels of ten classes. */
export function randomData(numSamples, shape) {
  const inputs = uniform(foldIn(key, 0), [numSamples, ...shape]);
  return fromArrays(
    {
      x: shape.length === 1 ? rows(inputs.data, shape[0]) : inputs.toArray(),
      y: randomIntegers(numSamples, 10),
    },
    { name: 'random', dtypes: { y: 'int32' } },
  );
}

/** The rows of a typed array as views. Nested arrays of numbers would take several times the memory. */
function rows(data, length) {
  return Array.from({ length: data.length / length }, (_, i) => data.subarray(i * length, (i + 1) * length));
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
