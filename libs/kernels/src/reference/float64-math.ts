/**
 * Functions of float64 elements. `Math.exp` and the like differ in the last bit between engines. This is allowed here and
 * nowhere else: float64 serves teaching and gradient checks and never reaches a trained parameter.
 */
const { exp, log, sin, cos, tanh } = Math;

/** 1/(1+e⁻ˣ), without overflow for either sign. */
function sigmoid(x: number): number {
  const e = exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** (2/√π)·e^(−x²)·Σ (2x²)ⁿ·x/(2n+1)!!, whose terms have the same sign and do not cancel (Abramowitz & Stegun 7.1.6). */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * exp(-x * x) * sum;
}

/** The functions, by the names of their operations. */
export const float64Math = { exp, log, sin, cos, tanh, sigmoid, erf };
