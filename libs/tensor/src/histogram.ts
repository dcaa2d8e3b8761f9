/**
 * Histograms in fixed bins: two in each power of two, so that a bin is the sign, the exponent and the first bit of the mantissa of a
 * number. Any two histograms can be compared and added bin by bin. Sums are in float64, in the order of the elements: equal bytes have
 * equal histograms on every machine.
 */

/** Elements of a float32 array, counted. */
export interface Histogram {
  /** All elements. */
  readonly count: number;
  /** Elements that are NaN or infinite, which are in no bin and in no sum. Absent if there are none. */
  readonly nonFinite?: number;
  /** The least and the greatest finite element, 0 if there is none. */
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** The bin of `counts[0]`; `counts[i]` is that of bin `first + i`. Its first and its last count are not 0. */
  readonly first: number;
  readonly counts: readonly number[];
}

/** Numbers of a magnitude below 2⁻⁴⁰ are in bin 0. */
const leastExponent = -40;

/** Bits of a float32: one of sign, eight of exponent, 23 of mantissa. The bin is in the first ten. */
const numKeys = 1 << 10;
const keyShift = 22;
const signKey = 1 << 9;
const leastKey = 2 * (127 + leastExponent);
const nonFiniteKey = 2 * 255;

/** @throws RangeError for an array that does not begin at a multiple of four bytes */
export function histogram(x: Float32Array): Histogram {
  const byKey = countKeys(x);
  const byBin = new Map<number, number>();
  let nonFinite = 0;
  for (const [key, count] of byKey.entries()) {
    if (count === 0) continue;
    if ((key & (signKey - 1)) >= nonFiniteKey) nonFinite += count;
    else byBin.set(binOf(key), (byBin.get(binOf(key)) ?? 0) + count);
  }
  const bins = [...byBin.keys()];
  const first = bins.length === 0 ? 0 : Math.min(...bins);
  const length = bins.length === 0 ? 0 : Math.max(...bins) - first + 1;
  return {
    count: x.length,
    ...(nonFinite > 0 && { nonFinite }),
    ...statistics(nonFinite > 0 ? x.filter(Number.isFinite) : x),
    first,
    counts: Array.from({ length }, (_, i) => byBin.get(first + i) ?? 0),
  };
}

/** Neighbours are often in one bin: each of four has a table, so that no addition waits for the one before it. */
function countKeys(x: Float32Array): Int32Array {
  const words = new Int32Array(x.buffer, x.byteOffset, x.length);
  const tables = new Int32Array(4 * numKeys);
  const whole = words.length - (words.length % 4);
  for (let i = 0; i < whole; i += 4) {
    tables[words[i]! >>> keyShift]!++;
    tables[numKeys + (words[i + 1]! >>> keyShift)]!++;
    tables[2 * numKeys + (words[i + 2]! >>> keyShift)]!++;
    tables[3 * numKeys + (words[i + 3]! >>> keyShift)]!++;
  }
  for (let i = whole; i < words.length; i++) tables[words[i]! >>> keyShift]!++;
  const counts = tables.slice(0, numKeys);
  for (let key = 0; key < numKeys; key++) {
    for (let table = 1; table < 4; table++) counts[key]! += tables[table * numKeys + key]!;
  }
  return counts;
}

/** Of finite elements. */
function statistics(x: Float32Array): Pick<Histogram, 'min' | 'max' | 'sum' | 'sumOfSquares'> {
  if (x.length === 0) return { min: 0, max: 0, sum: 0, sumOfSquares: 0 };
  let [min, max, sum, sumOfSquares] = [x[0]!, x[0]!, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    sumOfSquares += value * value;
  }
  // JSON has no −0.
  return { min: min + 0, max: max + 0, sum: sum + 0, sumOfSquares };
}

function binOf(key: number): number {
  const magnitude = Math.max(0, (key & (signKey - 1)) - leastKey + 1);
  return key < signKey ? magnitude : 0 - magnitude;
}

/**
 * The edges of `length` bins from bin `first` on, ascending: one more than bins. A positive bin includes its lower edge, a negative one
 * its upper edge. Bin 1 begins at 2⁻⁴⁰, bin 2 at 1.5 · 2⁻⁴⁰, bin 3 at 2⁻³⁹; bin −k mirrors bin k.
 */
export function histogramEdges({ first, counts: { length } }: Pick<Histogram, 'first' | 'counts'>): number[] {
  if (length === 0) return [];
  return Array.from({ length: length + 1 }, (_, i) => lowerEdge(first + i));
}

const lowerEdge = (bin: number): number => (bin > 0 ? edge(bin) : -edge(1 - bin));

/** The lower edge of a positive bin: the number whose bits its key begins with. Half of it always is a float32, also behind the last bin. */
function edge(bin: number): number {
  const halfKey = bin - 1 + leastKey - 2;
  return 2 * new Float32Array(new Int32Array([halfKey << keyShift]).buffer)[0]!;
}
