/**
 * Plans of functions that must be pure: a loss that reads a clock traces to another program each time, so no run
 * could be reproduced.
 */
import {
  type Aval,
  type Plan,
  type PlanOptions,
  programHash,
  type Tensor,
  traceProgram,
} from '@lockstep/autodiff';
import { addOrigin, LockstepError } from '@lockstep/errors';
import type { PlanCache } from './plan-cache.ts';

/**
 * Traces twice, or once if an earlier compilation gave the same program. Throws `experiment` if two programs differ.
 */
export function planPure(
  cache: PlanCache,
  program: (...inputs: Tensor[]) => Tensor[],
  avals: readonly Aval[],
  options: PlanOptions = {},
): Plan {
  const plan = cache.plan(traceProgram(program, avals), options);
  const check = `pure ${plan.hash}`;
  if (cache.hasPassed(check)) return plan;
  const again = programHash(traceProgram(program, avals));
  if (plan.hash === again) {
    cache.notePassed(check);
    return plan;
  }
  const call = firstImpureCall(() => traceProgram(program, avals));
  const what = call === undefined ? '' : `; it calls ${call.name}`;
  const error = new LockstepError(
    'experiment',
    `the experiment is not a pure function: traced twice it gives two different programs${what}; take randomness from the key, and nothing from clocks, counters or Math.random`,
    { first: plan.hash, second: again },
  );
  if (call?.made !== undefined) addOrigin(error, { made: call.made });
  throw error;
}

/** Global functions that return another value with each call. */
const impure = [
  ['Math', 'random'],
  ['Date', 'now'],
  ['performance', 'now'],
] as const;

interface ImpureCall {
  readonly name: string;
  /** The stack of the call. */
  readonly made: string | undefined;
}

/** The first call of an impure function during `run`, as far as calls can be watched. */
function firstImpureCall(run: () => unknown): ImpureCall | undefined {
  let first: ImpureCall | undefined;
  const restore = impure.map(([global, method]) => {
    const object = Reflect.get(globalThis, global) as object;
    const name = `${global}.${method}`;
    const own = Object.getOwnPropertyDescriptor(object, method);
    const original = Reflect.get(object, method) as (...args: unknown[]) => unknown;
    const watched = (...args: unknown[]): unknown => {
      first ??= { name, made: new Error(name).stack };
      return original.apply(object, args);
    };
    Object.defineProperty(object, method, { value: watched, configurable: true, writable: true });
    return (): void => {
      if (own !== undefined) Object.defineProperty(object, method, own);
      else Reflect.deleteProperty(object, method);
    };
  });
  try {
    run();
  } finally {
    for (const each of restore) each();
  }
  return first;
}
