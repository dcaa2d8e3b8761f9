import { LockstepError } from '@lockstep/errors';

/**
 * The requested arrays of a file; all arrays if `names` is undefined.
 *
 * @throws LockstepError `data` for a name that the file does not have.
 */
export function wanted(
  names: readonly string[] | undefined,
  all: readonly string[],
  what: string,
): ReadonlySet<string> {
  const missing = names?.find((name) => !all.includes(name));
  if (missing === undefined) return new Set(names ?? all);
  throw new LockstepError(
    'data',
    `${what}: there is no array '${missing}'; the file has ${all.join(', ') || 'none'}`,
    { what, name: missing, names: all },
  );
}
