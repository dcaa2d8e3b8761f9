/**
 * Makes a program's plan: cuts the equations into segments at the exchanges, and gives every value that must be kept a
 * place in one arena. A place is reused after its last reader.
 */

import { invariant, LockstepError, oneOf, type Rules, signature, whole } from '@lockstep/errors';
import { departEarly, departures } from './departure.ts';
import { aliases, constructOf, exchangeLevels, isAlias, isExchange } from './equation.ts';
import { withSavedInputs } from './in-place.ts';
import { inlineCalls, inlineCompositions } from './inline.ts';
import { Layout } from './layout.ts';
import { optimize, optimizeAhead, removeDeadCode } from './optimize.ts';
import type { Plan, PlannedBodies } from './planned.ts';
import { aProgram, bodiesOf, type Equation, type Program } from './program.ts';
import { programHash } from './program-hash.ts';
import { workSpace } from './work-space.ts';

export interface PlanOptions {
  /** Where results are computed: in the arena (the default), or in buffers that are `given` to each instance. */
  readonly outputs?: 'arena' | 'given';
  /**
   * The number of `given` outputs, from the first on, that take the memory of the inputs with their indices, of the
   * same types. Such an output is computed there if the input has no later reader, else it is copied there at the end.
   * Default 0.
   */
  readonly numInPlace?: number;
  /**
   * A `given` output that is not in place. It alone is computed in a first segment, which overwrites no input; all
   * other outputs are computed in a second one. The program must have no exchanges.
   */
  readonly ahead?: number;
}

export const planRules: Rules<PlanOptions> = {
  outputs: oneOf('arena', 'given'),
  numInPlace: whole(0),
  ahead: whole(0),
};

const checkPlan = signature('planProgram', { program: aProgram }, planRules);

export function planProgram(traced: Program, options: PlanOptions = {}): Plan {
  checkPlan(traced, options);
  return planHashed(traced, programHash(traced), options);
}

/** What a plan was made of: the traced program, and the same without calls and compositions. */
export interface PlanOrigin {
  readonly traced: Program;
  readonly plain: Program;
}

/**
 * {@link planProgram} for a program whose hash is known. `made` is told of the plan and of those of its bodies, the
 * innermost first.
 */
export function planHashed(
  traced: Program,
  hash: string,
  options: PlanOptions,
  made: (plan: Plan, origin: PlanOrigin) => void = () => undefined,
): Plan {
  const { outputs = 'arena', numInPlace = 0, ahead } = options;
  const plain = inlineCompositions(inlineCalls(traced));
  const { program: fused, numAhead } =
    ahead === undefined ? { program: optimize(plain), numAhead: 0 } : optimizeAhead(plain, ahead);
  const optimized = withSavedInputs(withPlannedBodies(fused, made), numInPlace);
  const program = ahead === undefined ? departEarly(withOwnPartials(optimized)) : optimized;
  const rank = new Map(departures(removeDeadCode(plain)).map((variable, i) => [variable, i]));
  const byDeparture = (a: Equation, b: Equation): number =>
    rank.get(a.outputs[0]!)! - rank.get(b.outputs[0]!)!;
  const levels =
    ahead === undefined ? exchangeLevels(program) : program.equations.map((_, i) => (i < numAhead ? 0 : 1));
  const numLevels =
    ahead === undefined ? 2 + Math.max(-1, ...levels.filter((_, i) => isExchange(program.equations[i]!))) : 2;
  const segments = Array.from({ length: numLevels }, (_, level) =>
    program.equations.filter((equation, i) => levels[i] === level && !isExchange(equation)),
  );
  const exchanges = Array.from({ length: numLevels - 1 }, (_, level) =>
    program.equations.filter((equation, i) => levels[i] === level && isExchange(equation)).sort(byDeparture),
  );
  invariant(numInPlace === 0 || outputs === 'given', 'only given outputs take the place of inputs');
  invariant(
    ahead === undefined || (ahead >= numInPlace && !program.equations.some(isExchange)),
    'the output ahead is not in place, and the program has no exchanges',
  );
  const layout = new Layout(
    program,
    segments,
    exchanges,
    outputs === 'given' ? { numInPlace, numAhead } : undefined,
  );
  const numTraced = traced.equations.length;
  const finished = layout.finish();
  if (ahead !== undefined) {
    // An input or a constant would only be copied at the end.
    const isComputed = segments[0]!.some(({ outputs: own }) => own.includes(program.outputs[ahead]!));
    const place = finished.places.get(program.outputs[ahead]!);
    invariant(isComputed && place?.kind === 'output', 'the output ahead is computed in its place');
  }
  const plan: Plan = { program, hash, numTraced, segments, ...finished, numInPlace };
  made(plan, { traced, plain });
  return plan;
}

/**
 * Plans the bodies of constructs. A construct gets one output more, its work space: bytes in the arena for as long as
 * the equation runs.
 */
function withPlannedBodies(program: Program, made: (plan: Plan, origin: PlanOrigin) => void): Program {
  if (program.equations.every((equation) => constructOf(equation) === undefined)) return program;
  const avals = [...program.avals];
  const equations = program.equations.map((equation): Equation => {
    const construct = constructOf(equation);
    if (construct === undefined) return equation;
    const plans = bodiesOf(equation)!.map((body) =>
      planHashed(body, programHash(body), { outputs: 'given' }, made),
    );
    const attrs: PlannedBodies = { ...equation.attrs, bodies: plans.map((plan) => plan.program), plans };
    const { bytes } = workSpace(construct.planned!, attrs);
    const scratch = avals.push({ dtype: 'bool', shape: [bytes] }) - 1;
    return { ...equation, attrs, outputs: [...equation.outputs, scratch] };
  });
  return { ...program, avals, equations };
}

/**
 * Gives each exchanged value a place of its own in its bucket: inputs, constants and values that are exchanged twice
 * are copied.
 */
function withOwnPartials(program: Program): Program {
  const aliasOf = aliases(program);
  const produced = new Set(
    program.equations
      .filter((equation) => !isExchange(equation) && !isAlias(equation))
      .flatMap(({ outputs }) => outputs),
  );
  const kept = new Set(program.outputs.map(aliasOf));
  const taken = new Set<number>();
  const avals = [...program.avals];
  const equations = program.equations.flatMap((equation): Equation[] => {
    if (!isExchange(equation)) return [equation];
    const input = equation.inputs[0]!;
    const aval = avals[input]!;
    if (aval.dtype !== 'float32') {
      throw new LockstepError(
        'dtype',
        `exchange: only float32 crosses shards, not ${aval.dtype}; cast it first`,
        {
          dtype: aval.dtype,
        },
      );
    }
    const root = aliasOf(input);
    if (produced.has(root) && !taken.has(root) && !kept.has(root)) {
      taken.add(root);
      return [equation];
    }
    avals.push(aval);
    const copy = avals.length - 1;
    return [
      { primitive: 'copy', attrs: {}, inputs: [input], outputs: [copy] },
      { ...equation, inputs: [copy] },
    ];
  });
  return { ...program, avals, equations };
}
