/**
 * Functions of single doubles, for code outside of kernels whose results must have the same bits on every machine and in
 * every version of Node, which `Math.exp` and its like do not promise.
 */
import { erfc, erfInv } from './error-function.ts';
import { exp, expm1, log, log1p, logAddExp } from './exponentials.ts';
import { logGamma } from './gamma.ts';
import { pow } from './powers.ts';
import { sinPi } from './trigonometry.ts';

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;

export interface HostMath {
  /** eˣ within 1 ulp. */
  readonly exp: Unary;
  /** eˣ − 1 within 2 ulp. */
  readonly expm1: Unary;
  /** ln x within 1 ulp. */
  readonly log: Unary;
  /** ln(1 + x) within 2 ulp. */
  readonly log1p: Unary;
  /** ln(eˣ + eʸ). */
  readonly logAddExp: Binary;
  /** xʸ within 1 ulp. */
  readonly pow: Binary;
  /** cos(πx) within 2 ulp. */
  readonly cosPi: Unary;
  /** sin(πx) within 2 ulp. */
  readonly sinPi: Unary;
  /** 1 − erf x within 8 ulp. */
  readonly erfc: Unary;
  /** The inverse of erf within 5 ulp. */
  readonly erfInv: Unary;
  /** ln |Γ(x)|. */
  readonly logGamma: Unary;
}

export const hostMath: HostMath = {
  // Their further arguments are for other kernels, and a list's map would fill them.
  exp: (x) => exp(x),
  log: (x) => log(x),
  cosPi: (x) => sinPi(x, 1),
  sinPi: (x) => sinPi(x),
  ...{ expm1, log1p, logAddExp, pow, erfc, erfInv, logGamma },
};
