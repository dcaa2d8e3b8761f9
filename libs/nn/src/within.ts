import { addOrigin, LockstepError } from '@lockstep/errors';
import { type Layer, madeAt } from './layer.ts';
import { asPart } from './watch.ts';

/** Runs one part of a container, under its index, and prefixes its errors with the part: `layer 2 (dense): …`. */
export function within<T>(part: string, index: number, layer: Layer, run: () => T): T {
  const { kind } = layer;
  try {
    return asPart(String(index), run);
  } catch (error) {
    const made = madeAt(layer);
    if (made !== undefined) addOrigin(error, { made });
    if (!(error instanceof LockstepError)) throw error;
    const { code, message, facts } = error;
    throw new LockstepError(
      code,
      `${part} ${index} (${kind}): ${message}`,
      { ...facts, [part]: index, kind },
      { cause: error },
    );
  }
}
