/** Finds what is not finite in a run that goes on. */
import type { OpaqueRecord } from '@lockstep/protocol';
import { type Notice, nonFiniteEvaluation, nonFiniteStep } from './notices.ts';

export interface NonFiniteSearch {
  /** A notice of the first step that is not finite; later steps are counted. */
  ofStep(step: number, report: OpaqueRecord): Notice | undefined;
  /** A notice of each evaluation that is not finite. */
  ofEvaluation(step: number, report: OpaqueRecord): Notice | undefined;
  /** Steps so far that were not finite. */
  readonly numSteps: number;
}

export function createNonFiniteSearch(): NonFiniteSearch {
  let numSteps = 0;
  return {
    get numSteps() {
      return numSteps;
    },
    ofStep(step, { nonFinite }) {
      if (!Array.isArray(nonFinite)) return undefined;
      numSteps++;
      return numSteps > 1 ? undefined : nonFiniteStep(step, nonFinite.map(String));
    },
    ofEvaluation(step, { metrics }) {
      const values = Object.entries((metrics ?? {}) as Readonly<Record<string, unknown>>);
      const what = values.filter(([, value]) => !Number.isFinite(value)).map(([name]) => name);
      return what.length === 0 ? undefined : nonFiniteEvaluation(step, what);
    },
  };
}
