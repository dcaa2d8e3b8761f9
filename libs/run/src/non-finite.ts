/** Numbers that are not finite: what of a training step is tested, and how it is told. */
import type { TypedArray } from '@lockstep/tensor';
import type { RunConfig } from './config.ts';
import { unpack } from './groups.ts';
import type { Programs } from './programs.ts';
import { guardGroups, replicaGroups } from './signatures.ts';

/** What was found, as messages carry it. */
export interface NonFinite {
  /**
   * `step`: the loss or a gradient of the step, whose update was not begun. `update`: the update of the step made a parameter or
   * the model's state non-finite, and was taken back. `state`: the state after the step is not finite; which update made it so
   * is not known.
   */
  readonly cause: 'step' | 'update' | 'state';
  readonly step: number;
  /** `loss`, `gradient of 2/kernel`, …; `parameter 2/kernel` or `state 1/mean`. */
  readonly what: readonly string[];
}

/** More names than these are counted only. */
const MAX_NAMES = 8;

/**
 * `stop`: neither a step nor a state that is not finite is gone on from. `skip`: the optimizer leaves out steps whose gradients
 * are not finite itself; a loss alone, or a state, ends the run. `warn`: all goes on.
 */
export type NonFiniteRule = 'stop' | 'skip' | 'warn';

export function nonFiniteRule(
  { onNonFinite }: Pick<RunConfig, 'onNonFinite'>,
  { skipsNonFinite }: Pick<Programs, 'skipsNonFinite'>,
): NonFiniteRule {
  if (onNonFinite === 'warn') return 'warn';
  return skipsNonFinite ? 'skip' : 'stop';
}

/** Whether a run of this rule goes on. An optimizer that skips looks at gradients alone, and would take any other step. */
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

/** Whether the guard's numbers say that all is well: a norm of squares overflows above 1.8e19, so that it may say no too often. */
export function isFiniteGuard(values: TypedArray): boolean {
  for (const value of values) if (!Number.isFinite(value)) return false;
  return true;
}

/**
 * What of a step is not finite, by the guard's numbers and the reduced gradient sums of the parameters; nothing where only the
 * gradient's norm has overflowed.
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

/** The first array of parameters, then of the model's state, that is not finite: `parameter 2/kernel`, `state 1/mean`. */
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
  // 0·x is 0 for every finite x, and NaN for all else: one test for the whole array.
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += 0 * array[i]!;
  return sum === 0;
}
