/** Domains seen as the unit interval, from which random and low-discrepancy sequences draw. */
import type { ParamValue } from '@lockstep/params';
import { exp, log } from '../math.ts';
import { optionsOf } from './assignment.ts';
import type { Domain, IntegerDomain, NumberDomain } from './domain.ts';

const { floor, max, min, round } = Math;

/** Of a quotient that decimal steps make: 0.3/0.1 is 2.9999999999999996. */
const tolerance = 1e-9;

/** The number of values of a domain, undefined for a range of all numbers. */
export function numValuesOf(domain: Domain): number | undefined {
  switch (domain.type) {
    case 'choice':
    case 'oneOf':
      return optionsOf(domain).length;
    case 'integer':
      return floor((domain.hi - domain.lo) / domain.step) + 1;
    case 'number':
      return domain.step === undefined
        ? undefined
        : floor((domain.hi - domain.lo) / domain.step + tolerance) + 1;
    default:
      return domain satisfies never;
  }
}

/** Value `k` of a range with steps. Fifteen digits remove what binary fractions add: 0.1 + 2·0.1 is 0.3. */
export function steppedValue({ lo, hi, step = 1 }: IntegerDomain | NumberDomain, k: number): number {
  return max(lo, min(hi, Number((lo + k * step).toPrecision(15))));
}

/** The value at u in [0, 1). Equal parts of the interval belong to equally likely values. */
export function valueAt(domain: Domain, u: number): ParamValue {
  switch (domain.type) {
    case 'choice':
    case 'oneOf': {
      const options = optionsOf(domain);
      return options[cellOf(u, options.length)]!;
    }
    case 'integer':
      if (domain.log) return logInteger(domain, u);
      return domain.lo + domain.step * cellOf(u, numValuesOf(domain)!);
    case 'number': {
      const { lo, hi } = domain;
      if (domain.step !== undefined) return steppedValue(domain, cellOf(u, numValuesOf(domain)!));
      const value = domain.log ? exp(log(lo) + u * (log(hi) - log(lo))) : lo + u * (hi - lo);
      return max(lo, min(hi, value));
    }
    default:
      return domain satisfies never;
  }
}

const cellOf = (u: number, numCells: number): number => min(numCells - 1, floor(u * numCells));

/** The logarithm is uniform from lo − ½ to hi + ½, so that the ends are as likely as their neighbours. */
function logInteger({ lo, hi }: IntegerDomain, u: number): number {
  const [low, high] = [log(lo - 0.5), log(hi + 0.5)];
  return max(lo, min(hi, round(exp(low + u * (high - low)))));
}

/** Whether a domain has this value. */
export function hasValue(domain: Domain, value: unknown): value is ParamValue {
  switch (domain.type) {
    case 'choice':
    case 'oneOf':
      return optionsOf(domain).some((option) => option === value);
    case 'integer':
    case 'number': {
      if (typeof value !== 'number' || !(domain.lo <= value && value <= domain.hi)) return false;
      if (domain.step === undefined) return true;
      return steppedValue(domain, round((value - domain.lo) / domain.step)) === value;
    }
    default:
      return domain satisfies never;
  }
}
