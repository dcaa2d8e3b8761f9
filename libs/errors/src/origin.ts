/**
 * The origin of an error: which field of the experiment, and which line of the user's code, caused it. The stack of the
 * error does not show that line when the trainer runs the user's code later.
 */

export interface Origin {
  /** The field of the experiment: `['metrics', 'accuracy']`. */
  readonly field?: readonly string[];
  /** The stack at the creation of the object at fault, such as a layer. */
  readonly made?: string;
}

/** One symbol for all copies of this library in a process. */
const key = Symbol.for('lockstep.origin');

interface Marked {
  [key]?: Origin;
}

/** Adds an origin to an error. Facts that the error already has come from code further inside and stay. */
export function addOrigin(error: unknown, origin: Origin): void {
  if (!(error instanceof Error)) return;
  Object.defineProperty(error, key, { value: { ...origin, ...originOf(error) }, configurable: true });
}

/** The origin of an error, or of the errors that caused it. */
export function originOf(error: unknown): Origin {
  const origins = causesOf(error).map((one) => (one as Marked)[key] ?? {});
  return Object.assign({}, ...origins) as Origin;
}

/** The error, its cause, the cause of its cause, and so on. */
export function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let one = error; one instanceof Error && !causes.includes(one); one = one.cause) causes.push(one);
  return causes;
}

/** Calls a function that a field of the experiment gives, and adds the field to the origin of its errors. */
export function ofField<T>(field: readonly string[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    addOrigin(error, { field });
    throw error;
  }
}
