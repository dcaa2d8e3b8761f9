/** Domains as models see them: a numeric interval, in logarithms where the domain has them, or options without an order. */
import type { ParamValue } from '@lockstep/params';
import { exp, log } from '../math.ts';
import { optionsOf } from './assignment.ts';
import type { Domain, IntegerDomain, NumberDomain } from './domain.ts';
import { numValuesOf, steppedValue } from './scale.ts';

const { max, min, round } = Math;

export interface NumericAxis {
  readonly kind: 'numeric';
  /** The interval; it goes half a step beyond the first and the last value of a domain with steps. */
  readonly low: number;
  readonly high: number;
  /** The distance between values, absent where every number is one. */
  readonly quantum?: number;
  readonly toCoordinate: (value: ParamValue) => number;
  readonly toValue: (coordinate: number) => ParamValue;
}

export interface OptionsAxis {
  readonly kind: 'options';
  readonly options: readonly ParamValue[];
}

/** A domain of one value, of which a model has nothing to learn. */
export interface FixedAxis {
  readonly kind: 'fixed';
  readonly value: ParamValue;
}

export type Axis = NumericAxis | OptionsAxis | FixedAxis;

export function axisOf(domain: Domain): Axis {
  switch (domain.type) {
    case 'choice':
    case 'oneOf': {
      const options = optionsOf(domain);
      return options.length === 1 ? { kind: 'fixed', value: options[0]! } : { kind: 'options', options };
    }
    case 'integer':
    case 'number':
      return domain.lo === domain.hi ? { kind: 'fixed', value: domain.lo } : numericAxis(domain);
    default:
      return domain satisfies never;
  }
}

function numericAxis(domain: IntegerDomain | NumberDomain): NumericAxis {
  const { lo, hi, step } = domain;
  const inside = (value: number): number => max(lo, min(hi, value));
  if (domain.type === 'number' && domain.log) {
    return continuous(log(lo), log(hi), log, (x) => inside(exp(x)));
  }
  if (domain.log) return continuous(log(lo - 0.5), log(hi + 0.5), log, (x) => inside(round(exp(x))));
  if (step === undefined) return continuous(lo, hi, Number, inside);
  const last = numValuesOf(domain)! - 1;
  const valueNear = (x: number): number => steppedValue(domain, max(0, min(last, round((x - lo) / step))));
  return {
    ...continuous(lo - step / 2, lo + last * step + step / 2, Number, valueNear),
    quantum: step,
  };
}

const continuous = (
  low: number,
  high: number,
  toCoordinate: (value: number) => number,
  toValue: (coordinate: number) => number,
): NumericAxis => ({
  kind: 'numeric',
  low,
  high,
  toCoordinate: (value) => toCoordinate(value as number),
  toValue,
});
