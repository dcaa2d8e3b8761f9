/**
 * Explains errors of an experiment's functions: a missing column or a misspelt method. A TypeError alone names
 * neither.
 */
import { Tensor } from '@lockstep/autodiff';
import { LockstepError, nearNames } from '@lockstep/errors';
import type { Batch } from './experiment.ts';

/** The batch behind a proxy, and `missing`, which describes the first column that was read and does not exist. */
export function askedOf(batch: Batch): { readonly columns: Batch; missing(): string | undefined } {
  const asked = new Set<string>();
  const columns = new Proxy(batch, {
    get: (target, name, receiver) => {
      if (typeof name === 'string' && !(name in target)) asked.add(name);
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  const missing = (): string | undefined => {
    const [name] = asked;
    const known = Object.keys(batch);
    const near = name === undefined ? [] : nearNames(name, known, 1);
    return (
      name &&
      `the batch has no column '${name}'; its columns are ${known.join(', ')}${near.length > 0 ? `; did you mean '${near[0]}'?` : ''}`
    );
  };
  return { columns, missing };
}

/** Runs user code. Adds to its errors the missing column or the method of tensors that it may have meant. */
export function explained<T>(run: () => T, missing: () => string | undefined = () => undefined): T {
  try {
    return run();
  } catch (error) {
    const hint = error instanceof Error ? (missing() ?? methodMeant(error)) : undefined;
    if (hint === undefined) throw error;
    const { message } = error as Error;
    const { code, facts } =
      error instanceof LockstepError ? error : { code: 'experiment' as const, facts: {} };
    throw new LockstepError(code, `${message}; ${hint}`, facts, { cause: error });
  }
}

/** The method that `x.matmull is not a function` may have meant. */
function methodMeant(error: Error): string | undefined {
  const [, name] =
    (error instanceof TypeError && /\.(\w+)(?:\(\.\.\.\))? is not a function/.exec(error.message)) || [];
  if (name === undefined) return undefined;
  const methods = Object.getOwnPropertyNames(Tensor.prototype).filter((one) => one !== 'constructor');
  const near = nearNames(name, methods);
  return near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`;
}
