/** The programs of an experiment with other numbers, and plans as text. */

import { type Plan, type PlanOptions, type Program, planProgram } from '@lockstep/autodiff';
import type { Dataset } from '@lockstep/data';
import { exportPrograms } from '@lockstep/run';
import { allocateStorage, isFloat, type Storage } from '@lockstep/tensor';
import { compilePrograms, type Experiment, resolveConfig } from '@lockstep/training';

export interface Traced {
  readonly program: Program;
  readonly options: PlanOptions;
}

/** The programs of a run, with blocks of one and of two shards, and how each is planned. */
export function programsOf(experiment: Experiment, dataset: Dataset): Traced[] {
  const traced: Traced[] = [];
  const cache = {
    plan(program: Program, options: PlanOptions): Plan {
      traced.push({ program, options });
      return planProgram(program, options);
    },
    hasPassed: () => true,
    notePassed: () => undefined,
  };
  const config = resolveConfig(experiment);
  exportPrograms(compilePrograms(experiment, dataset, config, 100, { cache }), [1, 2]);
  return traced;
}

/** The program with `draw` of each float constant of one element in its place, also in bodies. */
export function renumbered(program: Program, draw: (number: number) => number): Program {
  const put = (storage: Storage): Storage => {
    if (storage.data.length !== 1 || !isFloat(storage.dtype)) return storage;
    const own = allocateStorage(storage.dtype, storage.shape);
    own.data[0] = draw(storage.data[0]!);
    return own;
  };
  return {
    ...program,
    constants: program.constants.map(({ variable, storage }) => ({ variable, storage: put(storage) })),
    equations: program.equations.map((equation) => {
      const { bodies } = equation.attrs as { readonly bodies?: readonly Program[] };
      if (bodies === undefined) return equation;
      return {
        ...equation,
        attrs: { ...equation.attrs, bodies: bodies.map((body) => renumbered(body, draw)) },
      };
    }),
  };
}

/** Everything in a plan, with the bytes of its constants. */
export function textOf(plan: Plan): string {
  return JSON.stringify(plan, (_key, value: unknown) => {
    if (value instanceof Map) return [...value];
    if (!ArrayBuffer.isView(value)) return typeof value === 'number' ? exact(value) : value;
    return Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength).toString('hex');
  });
}

/** JSON has no infinities, no NaN and no −0. */
const exact = (value: number): number | string =>
  Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
