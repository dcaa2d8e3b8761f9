/** The complement and the inverse of the error function, in doubles. */
import { polynomial } from './doubles.ts';
import { exp, log } from './exponentials.ts';

const { abs, floor, PI, sqrt } = Math;

// Rational approximations of W. J. Cody, Mathematics of Computation 23 (1969): erf up to 15/32, erfc up to 4, and erfc beyond.
const NEAR = [
  0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694,
];
const NEAR_UNDER = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const MIDDLE = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
  881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
];
const MIDDLE_UNDER = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
];
const FAR = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
];
const FAR_UNDER = [
  1, 2.568520192289822, 1.8729528499234604, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
];
const TWO_OVER_SQRT_PI = 1.1283791670955126;
const ONE_OVER_SQRT_PI = 0.5641895835477563;

/** e^(−x²) without the error of a rounded square: the square of x's first bits is exact. */
function gauss(x: number): number {
  const first = floor(x * 16) / 16;
  return exp(-first * first) * exp(-(x - first) * (x + first));
}

/** erf x for |x| ≤ 15/32. */
function erfNear(x: number): number {
  const z = x * x;
  return (x * polynomial(NEAR, z)) / polynomial(NEAR_UNDER, z);
}

/** erfc x for x ≥ 15/32. */
function erfcBeyond(x: number): number {
  if (x > 27) return 0;
  if (x <= 4) return (gauss(x) * polynomial(MIDDLE, x)) / polynomial(MIDDLE_UNDER, x);
  const z = 1 / (x * x);
  const tail = (z * polynomial(FAR, z)) / polynomial(FAR_UNDER, z);
  return (gauss(x) * (ONE_OVER_SQRT_PI - tail)) / x;
}

/** 1 − erf x within 8 ulp, down to the smallest doubles. */
export function erfc(x: number): number {
  const t = abs(x);
  if (t <= 0.46875) return 1 - erfNear(x);
  return x > 0 ? erfcBeyond(t) : 2 - erfcBeyond(t);
}

/**
 * The inverse of erf within 5 ulp; ±1 → ±∞, beyond NaN. Three steps of Halley's method, on erf near 0 and on erfc elsewhere,
 * improve Winitzki's approximation (2008).
 */
export function erfInv(x: number): number {
  const t = abs(x);
  if (!(t < 1)) return t === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN;
  if (t === 0) return x;
  const complement = 1 - t;
  const logarithm = log(complement * (1 + t));
  const middle = 2 / (PI * 0.147) + logarithm / 2;
  let y = sqrt(sqrt(middle * middle - logarithm / 0.147) - middle);
  if (t < 1e-3) y = t / TWO_OVER_SQRT_PI;
  for (let i = 0; i < 3; i++) {
    const excess = y <= 0.46875 ? erfNear(y) - t : complement - erfcBeyond(y);
    const step = excess / (TWO_OVER_SQRT_PI * gauss(y));
    y -= step / (1 + y * step);
  }
  return x < 0 ? -y : y;
}
