/** The least value of a smooth function in a box. */

export interface ValueAndGradient {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface Box {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly maxIterations: number;
}

/** Armijo's share of the decrease that the slope promises. */
const sufficient = 1e-4;
const maxHalvings = 25;
/** The search ends where no free coordinate has a steeper slope. */
const flat = 1e-7;

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
}

/**
 * Descends from `start` by the quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno; a coordinate at its bound whose slope
 * leads outside rests (Bertsekas, 1982). Steps are halved until they decrease the function enough. The same calls of `evaluate` in
 * the same order on every machine.
 */
export function minimizeInBox(
  evaluate: (point: Float64Array) => ValueAndGradient,
  start: Float64Array,
  box: Box,
): Minimum {
  let point = inside(start, box);
  let { value, gradient } = evaluate(point);
  let inverse = identity(point.length);
  let isFresh = true;
  for (let iteration = 0; iteration < box.maxIterations; iteration++) {
    const isFree = freeCoordinates(point, gradient, box);
    if (!gradient.some((slope, i) => isFree[i] && Math.abs(slope) > flat)) break;
    let direction = descent(inverse, gradient, isFree);
    if (!(dot(direction, gradient) < 0)) {
      [inverse, isFresh] = [identity(point.length), true];
      direction = descent(inverse, gradient, isFree);
    }
    // Without knowledge of the curvature, a step of length at most 1.
    const first = isFresh ? 1 / Math.max(1, Math.sqrt(dot(direction, direction))) : 1;
    const next = lineSearch(evaluate, { point, value, gradient }, direction, first, box);
    if (next === undefined) {
      if (isFresh) break;
      [inverse, isFresh] = [identity(point.length), true];
      continue;
    }
    const step = difference(next.point, point);
    const bend = difference(next.gradient, gradient);
    if (dot(step, bend) > 1e-10 * Math.sqrt(dot(step, step) * dot(bend, bend))) {
      inverse = updatedInverse(inverse, step, bend, isFresh);
      isFresh = false;
    }
    ({ point, value, gradient } = next);
  }
  return { point, value };
}

interface Place extends ValueAndGradient {
  readonly point: Float64Array;
}

function lineSearch(
  evaluate: (point: Float64Array) => ValueAndGradient,
  { point, value, gradient }: Place,
  direction: Float64Array,
  first: number,
  box: Box,
): Place | undefined {
  let length = first;
  for (let halving = 0; halving < maxHalvings; halving++, length *= 0.5) {
    const next = inside(
      point.map((x, i) => x + length * direction[i]!),
      box,
    );
    const found = evaluate(next);
    const expected = dot(gradient, difference(next, point));
    if (found.value <= value + sufficient * expected && expected < 0) return { point: next, ...found };
  }
  return undefined;
}

const inside = (point: Float64Array, { lower, upper }: Box): Float64Array =>
  point.map((x, i) => Math.max(lower[i]!, Math.min(upper[i]!, x)));

const freeCoordinates = (point: Float64Array, gradient: Float64Array, { lower, upper }: Box): boolean[] =>
  Array.from(point, (x, i) => {
    const slope = gradient[i]!;
    return !((x <= lower[i]! && slope > 0) || (x >= upper[i]! && slope < 0));
  });

function descent(inverse: Float64Array, gradient: Float64Array, isFree: readonly boolean[]): Float64Array {
  const n = gradient.length;
  return gradient.map((_, i) => {
    if (!isFree[i]) return 0;
    let sum = 0;
    for (let j = 0; j < n; j++) if (isFree[j]) sum += inverse[i * n + j]! * gradient[j]!;
    return -sum;
  });
}

/** The inverse Hessian that maps the change of the gradient to the step; the first one is scaled to the curvature. */
function updatedInverse(
  inverse: Float64Array,
  step: Float64Array,
  bend: Float64Array,
  isFresh: boolean,
): Float64Array {
  const n = step.length;
  const product = dot(step, bend);
  const scale = isFresh ? product / dot(bend, bend) : 1;
  const before = inverse.map((x) => x * scale);
  const mapped = bend.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += before[i * n + j]! * bend[j]!;
    return sum;
  });
  const curvature = (1 + dot(bend, mapped) / product) / product;
  return before.map((x, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return x + curvature * (step[i]! * step[j]!) - (mapped[i]! * step[j]! + step[i]! * mapped[j]!) / product;
  });
}

function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1;
  return matrix;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const difference = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => x - b[i]!);
