/** What is not finite in a run that goes on: a step is told once, an evaluation each time. */
import type { OpaqueRecord } from '@lockstep/protocol';

export interface NonFiniteWarning {
  readonly type: 'nonFinite' | 'nonFiniteEvaluation';
  readonly step: number;
  readonly what: readonly string[];
}

export interface Warnings {
  ofStep(step: number, report: OpaqueRecord): NonFiniteWarning | undefined;
  ofEvaluation(step: number, report: OpaqueRecord): NonFiniteWarning | undefined;
  /** Steps that were not finite. */
  readonly numSteps: number;
}

export function createWarnings(): Warnings {
  let numSteps = 0;
  return {
    get numSteps() {
      return numSteps;
    },
    ofStep(step, { nonFinite }) {
      if (!Array.isArray(nonFinite)) return undefined;
      numSteps++;
      return numSteps > 1 ? undefined : { type: 'nonFinite', step, what: nonFinite.map(String) };
    },
    ofEvaluation(step, { metrics }) {
      const values = Object.entries((metrics ?? {}) as Readonly<Record<string, unknown>>);
      const what = values.filter(([, value]) => !Number.isFinite(value)).map(([name]) => name);
      return what.length === 0 ? undefined : { type: 'nonFiniteEvaluation', step, what };
    },
  };
}
