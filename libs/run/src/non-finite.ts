/** Numbers that are not finite: what is tested in a training step, and how findings are named. */
import type { TypedArray } from '@lockstep/tensor';
import type { RunConfig } from './config.ts';
import { unpack } from './groups.ts';
import type { Programs } from './programs.ts';
import { guardGroups, replicaGroups } from './signatures.ts';

/** A finding, as messages carry it. */
export interface NonFinite {
  /**
   * `step`: the loss or a gradient of the step; its update was not begun. `update`: the update of the step made a
   * parameter or the model's state non-finite, and was undone. `state`: the state after the step is not finite, and
   * the update that made it so is unknown.
   */
  readonly cause: 'step' | 'update' | 'state';
  readonly step: number;
  /** `loss`, `gradient of 2/kernel`, …; `parameter 2/kernel` or `state 1/mean`. */
  readonly what: readonly string[];
}

/** Further names are only counted. */
const MAX_NAMES = 8;

/**
 * `stop`: a non-finite step or state ends the run. `skip`: the optimizer skips steps whose gradients are not finite;
 * a non-finite state, or a non-finite loss with finite gradients, ends the run. `warn`: the run always continues.
 */
export type NonFiniteRule = 'stop' | 'skip' | 'warn';

export function nonFiniteRule(
  { onNonFinite }: Pick<RunConfig, 'onNonFinite'>,
  { skipsNonFinite }: Pick<Programs, 'skipsNonFinite'>,
): NonFiniteRule {
  if (onNonFinite === 'warn') return 'warn';
  return skipsNonFinite ? 'skip' : 'stop';
}

/**
 * Whether a run continues after a finding. An optimizer that skips steps checks gradients only and would apply any
 * other.
 */
export function goesOn(rule: NonFiniteRule, { cause, what }: NonFinite): boolean {
  switch (rule) {
    case 'warn':
      return true;
    case 'skip':
      return cause === 'step' && what.some((part) => part !== 'loss');
    case 'stop':
      return false;
    default:
      return rule satisfies never;
  }
}

/**
 * Whether the guard's numbers are finite. The norm's squares overflow above 1.8e19, so the answer may be no for a
 * finite step.
 */
export function isFiniteGuard(values: TypedArray): boolean {
  for (const value of values) if (!Number.isFinite(value)) return false;
  return true;
}

/**
 * The names of what is not finite in a step, from the guard's numbers and the reduced gradient sums; empty if only
 * the gradient's norm has overflowed.
 */
export function nonFiniteParts(
  programs: Pick<Programs, 'params' | 'hasPenalty'>,
  guard: TypedArray,
  gradientSums: readonly TypedArray[],
): string[] {
  const { params } = programs;
  const { loss, gradientNorm, gradients } = unpack(guardGroups(programs), [...guard]);
  const parts = Number.isFinite(loss) ? [] : ['loss'];
  if (Number.isFinite(gradientNorm)) return parts;
  const named = params.filter((_, i) => !isFiniteArray(gradientSums[i]!)).map(({ name }) => name);
  parts.push(...named.slice(0, MAX_NAMES).map((name) => `gradient of ${name}`));
  if (named.length > MAX_NAMES) parts.push(`${named.length - MAX_NAMES} more gradients`);
  if (named.length === 0 && gradients.some(Number.isNaN)) parts.push('gradient of the penalty');
  return parts;
}

/**
 * The first array that is not finite among parameters and then the model's state: `parameter 2/kernel`, `state
 * 1/mean`.
 */
export function firstNonFinite(
  form: Pick<Programs, 'params' | 'state' | 'optState'>,
  replica: readonly TypedArray[],
): string | undefined {
  const arrays = unpack(replicaGroups(form), replica);
  const named = (kind: string, group: 'params' | 'state'): string | undefined => {
    const broken = form[group].find((_, i) => !isFiniteArray(arrays[group][i]!));
    return broken && `${kind} ${broken.name}`;
  };
  return named('parameter', 'params') ?? named('state', 'state');
}

function isFiniteArray(array: TypedArray): boolean {
  if (!(array instanceof Float32Array || array instanceof Float64Array)) return true;
  // 0·x is 0 for every finite x and NaN otherwise, so one sum tests the whole array.
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += 0 * array[i]!;
  return sum === 0;
}
