import { LockstepError } from '@lockstep/errors';
import type { Layer } from './layer.ts';

/** Runs one part of a container; its errors say which part they come from: `layer 2 (dense): …`. */
export function within<T>(part: string, index: number, { kind }: Layer, run: () => T): T {
  try {
    return run();
  } catch (error) {
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
