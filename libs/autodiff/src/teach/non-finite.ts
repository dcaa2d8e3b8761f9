/** Finds the operation that made the first NaN or infinity, forward or backward. */
import { aFunction, LockstepError, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { flatten, type Structure, unflatten } from '@lockstep/tree';
import type { Aval, Tensor } from '../tensor.ts';
import type { Inputs } from '../transform/types.ts';
import { type NamedArguments, nameArguments } from './arguments.ts';
import { type CallSite, callSite } from './call-site.ts';
import { formatNumber, rounded } from './notation.ts';
import { type Contribution, contributions, type Recorded, type Recording, record } from './recording.ts';

/** A summary of an array: its range, and the number of elements that are not finite. */
export interface ArraySummary extends Aval {
  /** The minimum of the finite elements; NaN if there are none. */
  readonly min: number;
  readonly max: number;
  readonly numNaN: number;
  readonly numInfinite: number;
}

export interface NonFinite {
  /** 'argument': the values were not finite when they were given. */
  readonly phase: 'argument' | 'forward' | 'backward';
  /** The name of the operation, or of the argument. */
  readonly op: string;
  /**
   * In the backward phase: the forward operation whose derivative rule ran, and the input with respect to which it
   * differentiated. Absent within a gradient that the function takes itself.
   */
  readonly rule?: { readonly op: string; readonly argument: number };
  readonly inputs: readonly ArraySummary[];
  readonly output: ArraySummary;
  /** The line of the user's code that called the (forward) operation, or the gradient: `/home/me/train.js:12:20`. */
  readonly site: string | undefined;
  /** The whole report as a sentence. */
  readonly message: string;
}

const checkFindNonFinite = signature('findNonFinite', { f: aFunction });

/**
 * Runs `f` on the arguments, then the gradient of the sum of its results, operation by operation. Reports the first
 * operation that made a NaN from numbers, or an infinity from finite numbers; undefined if there was none. Compiled
 * functions run eagerly. Only values that depend on the arguments are watched: pass parameters and data instead of
 * closing over them.
 */
export function findNonFinite<Args extends readonly unknown[]>(
  f: (...args: Args) => unknown,
): (...args: Inputs<Args>) => NonFinite | undefined {
  checkFindNonFinite(f);
  return (...args) => {
    const named = watchable('findNonFinite', f, args);
    const sites = new Map<Recorded, CallSite>();
    let found = fromArguments(named);
    const watch = (step: Recorded): void => {
      const site = callSite();
      sites.set(step, site);
      found ??= reportOf(step, () => site);
    };
    try {
      const { recording } = watched(f, named, watch);
      return found ?? backward(recording, sites);
    } catch (error) {
      // The operation that was found explains the error: code that fails over a NaN is a consequence.
      if (found !== undefined) return found;
      throw error;
    }
  };
}

const checkDebugNonFinite = signature('debugNonFinite', { f: aFunction });

/**
 * `f`, but it throws as soon as an operation makes a NaN or an infinity: an `argument` error that names the operation
 * and whose stack leads to it. To watch a backward pass, give the gradient: `debugNonFinite(grad(loss))`.
 */
export function debugNonFinite<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
): (...args: Inputs<Args>) => Out {
  checkDebugNonFinite(f);
  return (...args) => {
    const named = watchable('debugNonFinite', f, args);
    throwIf(fromArguments(named));
    const { recording, structure } = watched(f, named, (step) => throwIf(reportOf(step, callSite)));
    return unflatten(structure(), recording.outs) as Out;
  };
}

function throwIf(found: NonFinite | undefined): void {
  if (found === undefined) return;
  const { message, ...facts } = found;
  throw new LockstepError('argument', message, facts);
}

function watchable<Args extends readonly unknown[]>(
  op: string,
  f: (...args: Args) => unknown,
  args: readonly unknown[],
): NamedArguments<Args> {
  const named = nameArguments(op, f, args);
  if (named.leaves.length > 0) return named;
  throw new LockstepError(
    'argument',
    `${op}: the function was called without arrays, and only values that depend on its arguments are watched; pass parameters and data as arguments`,
    { op },
  );
}

function watched<Args extends readonly unknown[]>(
  f: (...args: Args) => unknown,
  { leaves, rebuild }: NamedArguments<Args>,
  watch: (step: Recorded) => void,
): { recording: Recording; structure: () => Structure } {
  let structure: Structure | undefined;
  const recording = record(
    (xs) => {
      const out = flatten(f(...rebuild(xs)));
      structure = out.structure;
      return out.leaves as Tensor[];
    },
    leaves.map(({ value }) => value),
    watch,
  );
  return { recording, structure: () => structure! };
}

function fromArguments({ leaves }: NamedArguments<unknown>): NonFinite | undefined {
  for (const { name, value } of leaves) {
    const output = summaryOf(value);
    if (output.numNaN + output.numInfinite === 0) continue;
    const message = `argument ${name} comes with ${countOf(output)}: ${format(output)}; look where it was made`;
    return { phase: 'argument', op: name, inputs: [], output, site: undefined, message };
  }
  return undefined;
}

/** The first result that is less finite than the inputs it was made from. */
function madeBy(inputs: readonly Tensor[], outs: readonly Tensor[]): ArraySummary | undefined {
  const results = outs.map(summaryOf).filter(({ numNaN, numInfinite }) => numNaN + numInfinite > 0);
  if (results.length === 0) return undefined;
  const given = inputs.map(summaryOf);
  const hasNaN = given.some(({ numNaN }) => numNaN > 0);
  const allFinite = !hasNaN && given.every(({ numInfinite }) => numInfinite === 0);
  return results.find(({ numNaN }) => (numNaN > 0 && !hasNaN) || allFinite);
}

/** The report on the last operation, in the function itself or in a gradient that it takes. */
function reportOf({ op, inputs, outs }: Recorded, findSite: () => CallSite): NonFinite | undefined {
  const output = madeBy(inputs, outs);
  if (output === undefined) return undefined;
  const { place: site, isBackward } = findSite();
  return withMessage({
    phase: isBackward ? 'backward' : 'forward',
    op,
    inputs: inputs.map(summaryOf),
    output,
    site,
  });
}

/** The first contribution to a cotangent that is not finite, by itself or in the sum with the others. */
function backward(recording: Recording, sites: ReadonlyMap<Recorded, CallSite>): NonFinite | undefined {
  for (const contribution of contributions(recording)) {
    const site = sites.get(contribution.step)!;
    const found = inRule(contribution, site) ?? whereTheyMeet(contribution, site);
    if (found !== undefined) return found;
  }
  return undefined;
}

function whereTheyMeet({ before, part, after }: Contribution, { place }: CallSite): NonFinite | undefined {
  if (before === undefined) return undefined;
  const output = madeBy([before, part], [after]);
  if (output === undefined) return undefined;
  const inputs = [before, part].map(summaryOf);
  return withMessage({ phase: 'backward', op: 'add', inputs, output, site: place });
}

/**
 * The result of a rule, and the operation within the rule that made it. It is found by watching another run of the
 * rule.
 */
function inRule({ step, argument, cotangents, part }: Contribution, site: CallSite): NonFinite | undefined {
  const known = cotangents.filter((ct) => ct !== undefined);
  const output = madeBy([...known, ...step.inputs], [part]);
  if (output === undefined) return undefined;
  let inner: NonFinite | undefined;
  record(
    (cts) => {
      let next = 0;
      const again = step.pull(
        cotangents.map((ct) => (ct === undefined ? ct : cts[next++])),
        argument,
      );
      return again === undefined ? [] : [again];
    },
    known,
    (within) => {
      inner ??= reportOf(within, () => site);
    },
  );
  const { op, inputs } = inner ?? { op: step.op, inputs: [...known, ...step.inputs].map(summaryOf) };
  return withMessage({
    phase: 'backward',
    op,
    rule: { op: step.op, argument },
    inputs,
    output,
    site: site.place,
  });
}

function withMessage(found: Omit<NonFinite, 'message'>): NonFinite {
  const { op, phase, rule, inputs, output, site } = found;
  const where =
    rule === undefined
      ? `${phase} pass`
      : `${phase} pass, in the derivative of ${rule.op} by its input ${rule.argument}`;
  const from = inputs.map(format).join(' and ');
  const line = site === undefined ? '' : `, called at ${site}`;
  return {
    ...found,
    message: `${op} makes ${countOf(output)} (${where}${line}) from ${from}; keep its input in the domain, with where() before the operation or a small number added`,
  };
}

function summaryOf(x: Tensor): ArraySummary {
  const { dtype, shape } = x;
  let [min, max, numNaN, numInfinite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const value of x.data) {
    if (Number.isNaN(value)) numNaN++;
    else if (!Number.isFinite(value)) numInfinite++;
    else {
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  if (min > max) [min, max] = [Number.NaN, Number.NaN];
  return { dtype, shape, min, max, numNaN, numInfinite };
}

function countOf({ shape, numNaN, numInfinite }: ArraySummary): string {
  const size = shape.reduce((product, length) => product * length, 1);
  const counts = [
    ...(numNaN > 0 ? [`${numNaN} NaN`] : []),
    ...(numInfinite > 0 ? [`${numInfinite} ${numInfinite === 1 ? 'infinity' : 'infinities'}`] : []),
  ];
  return `${counts.join(' and ')} in ${size} ${size === 1 ? 'element' : 'elements'}`;
}

const rangeOf = (min: number, max: number): string =>
  [...new Set([min, max])].map((value) => formatNumber(rounded(value))).join(' … ');

function format(summary: ArraySummary): string {
  const { dtype, shape, min, max, numNaN, numInfinite } = summary;
  const range = Number.isNaN(min) ? '' : ` of ${rangeOf(min, max)}`;
  return `${dtype}${formatShape(shape)}${range}${numNaN + numInfinite > 0 ? ` with ${countOf(summary)}` : ''}`;
}
