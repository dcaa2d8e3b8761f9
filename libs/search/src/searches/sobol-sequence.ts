/**
 * Sobol sequences in the order of their Gray code (Antonov and Saleev, 1979), with 32 bits. Each point is computed from its index
 * alone. Without scrambling they are those of SciPy.
 */
import { fillRandomBits, foldIn, type Key } from '@lockstep/rng';
import { directions } from './sobol-directions.ts';

const numBits = 32;

/** The most dimensions of a sequence. */
export const maxSobolDimensions = directions.length + 1;

/** One coordinate of a sequence: the direction numbers as 32-bit fractions, and what is added to all points. */
export interface SobolAxis {
  readonly vectors: Uint32Array;
  readonly shift: number;
}

/** Bit `place` of a word, counted from the highest. */
const bitAt = (place: number): number => (1 << (numBits - 1 - place)) >>> 0;

/** Coordinate `dimension` of the sequence, counted from 0. */
export function sobolAxis(dimension: number): SobolAxis {
  const vectors = new Uint32Array(numBits);
  if (dimension === 0) {
    for (let j = 0; j < numBits; j++) vectors[j] = bitAt(j);
    return { vectors, shift: 0 };
  }
  const [polynomial, ...first] = directions[dimension - 1]!;
  const degree = first.length;
  for (let j = 0; j < numBits; j++) {
    if (j < degree) {
      vectors[j] = first[j]! * bitAt(j);
      continue;
    }
    // The recurrence of Bratley and Fox (1988): the polynomial's inner coefficients choose earlier vectors.
    let vector = vectors[j - degree]! ^ (vectors[j - degree]! >>> degree);
    for (let k = 1; k < degree; k++) {
      if ((polynomial! >>> (degree - k)) & 1) vector ^= vectors[j - k]!;
    }
    vectors[j] = vector;
  }
  return { vectors, shift: 0 };
}

/**
 * Multiplies the bits of every point by a random lower triangular matrix and adds random bits (Matoušek, 1998), which keeps the
 * balance of the sequence.
 */
export function scrambled({ vectors }: SobolAxis, key: Key): SobolAxis {
  const rows = new Uint32Array(numBits);
  fillRandomBits(rows, foldIn(key, 'matrix'));
  const shift = new Uint32Array(1);
  fillRandomBits(shift, foldIn(key, 'shift'));
  return { vectors: vectors.map((vector) => multiply(rows, vector)), shift: shift[0]! };
}

/** Bit p of the product, from the highest, is the parity of the vector's bits up to p that row p has; it has bit p itself. */
function multiply(rows: Uint32Array, vector: number): number {
  let product = 0;
  for (let p = 0; p < numBits; p++) {
    const bit = bitAt(p);
    const row = (rows[p]! & ~(2 * bit - 1)) | bit;
    if (parity(row & vector) === 1) product |= bit;
  }
  return product >>> 0;
}

function parity(word: number): number {
  let bits = word ^ (word >>> 16);
  bits ^= bits >>> 8;
  bits ^= bits >>> 4;
  bits ^= bits >>> 2;
  return (bits ^ (bits >>> 1)) & 1;
}

/** The coordinate of point `index` in [0, 1). */
export function sobolPoint({ vectors, shift }: SobolAxis, index: number): number {
  let bits = shift;
  for (let gray = index ^ (index >>> 1), j = 0; gray !== 0; gray >>>= 1, j++) {
    if (gray & 1) bits ^= vectors[j]!;
  }
  return (bits >>> 0) / 2 ** 32;
}
