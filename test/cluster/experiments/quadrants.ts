/** Square pictures of noise from a counter. One quadrant is brighter; its number is the class. */
import { fromArrays } from 'lockstep';

const numClasses = 4;

export function quadrants(numSamples: number, { side = 8, validation = 0.1 } = {}) {
  const labels = Int32Array.from({ length: numSamples }, (_, i) => hash(i) % numClasses);
  return fromArrays(
    { x: Array.from(labels, (label, i) => picture(label, i, side)), y: labels },
    { name: 'quadrants', dtypes: { y: 'int32' }, split: { validation, test: 0.1 } },
  );
}

/** [side, side, 1] */
function picture(label: number, sample: number, side: number): number[][][] {
  const at = (row: number, column: number): number => {
    const noise = hash(1_000_000 + (sample * side + row) * side + column) / 2 ** 32;
    const quadrant = 2 * Number(row >= side / 2) + Number(column >= side / 2);
    return quadrant === label ? noise + 0.3 : noise;
  };
  return Array.from({ length: side }, (_, row) =>
    Array.from({ length: side }, (_, column) => [at(row, column)]),
  );
}

/** The finalizer of MurmurHash3: uint32 → uint32. */
function hash(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
