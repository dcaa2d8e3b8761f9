/** Where an error comes from that no line of the user's has thrown: what it is about knows where that was written. */

export interface Origin {
  /** The field of the experiment: `['metrics', 'accuracy']`. */
  readonly field?: readonly string[];
  /** The stack of what made the thing at fault, such as a layer. */
  readonly made?: string;
}

/** The same for all copies of this library in a process. */
const key = Symbol.for('lockstep.origin');

interface Marked {
  [key]?: Origin;
}

/** Adds an origin; what is known already comes from further inside and stays. */
export function addOrigin(error: unknown, origin: Origin): void {
  if (!(error instanceof Error)) return;
  Object.defineProperty(error, key, { value: { ...origin, ...originOf(error) }, configurable: true });
}

/** Of the error, or of those that caused it. */
export function originOf(error: unknown): Origin {
  const origins = causesOf(error).map((one) => (one as Marked)[key] ?? {});
  return Object.assign({}, ...origins) as Origin;
}

/** The error, its cause, the cause of that, and so on. */
export function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let one = error; one instanceof Error && !causes.includes(one); one = one.cause) causes.push(one);
  return causes;
}

/** Runs what a field of the experiment says; its errors remember the field. */
export function ofField<T>(field: readonly string[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    addOrigin(error, { field });
    throw error;
  }
}
