/** Functions with custom derivatives, for computations whose steps are not the best way to their derivative. */
import { aFunction, LockstepError, signature } from '@lockstep/errors';
import { formatShape, isFloat, sameShape } from '@lockstep/tensor';
import { firstDifference, flatten, type Structure, unflatten } from '@lockstep/tree';
import type { Construct, Enter, MaybeTensor } from '../construct.ts';
import { zerosLike } from '../convert.ts';
import { bindMany, findActiveTrace, Tracer } from '../core.ts';
import { construct } from '../define.ts';
import type { Attrs } from '../primitive.ts';
import { sum } from '../primitives/reduce/sum.ts';
import type { Bodies } from '../program/program.ts';
import { type Closed, closeProgram, shareCaptured } from '../program/trace.ts';
import type { Aval, Tensor } from '../tensor.ts';
import { type Flattened, flattened, toTensors } from './arguments.ts';
import { type Body, call, cut, isProgram, orZeros, outputAvals, overBatchAs } from './bodies.ts';
import { linearized } from './tape.ts';
import type { Inputs } from './types.ts';

interface CustomAttrs extends Attrs {
  /** The function itself, then the functions that give its derivative. */
  readonly bodies: readonly Body[];
  /** The number of inputs that are values from outside. Every body takes them first, and they have no derivative. */
  readonly numCaptured: number;
  /** The number of results, known once the function or its forward pass has run. */
  readonly results: { count: number };
}

/** The bodies as programs, unless they read values of an interpreter inside the program that is being traced. */
function recordClosed(
  close: (inputs: readonly Tensor[], attrs: CustomAttrs) => readonly Closed[],
): NonNullable<Construct<CustomAttrs>['record']> {
  return (inputs, attrs, enter: Enter) => {
    if (attrs.bodies.every(isProgram)) return enter(inputs, attrs as unknown as Bodies);
    const { programs, captured } = shareCaptured(close(inputs, attrs));
    const around = findActiveTrace((trace) => trace.standsFor('blocks'))!.level;
    const isInner = captured.some((x) => x instanceof Tracer && x.trace.level > around);
    if (isInner) return call(attrs.bodies[0]!, inputs);
    const { results } = attrs;
    return enter([...captured, ...inputs], {
      bodies: programs,
      numCaptured: captured.length + attrs.numCaptured,
      results: { ...results },
    });
  };
}

const closed = (body: Body, inputs: Parameters<typeof closeProgram>[1]): Closed =>
  closeProgram((...xs) => call(body, xs), inputs);

function refuseCaptured(op: string, isMoved: readonly boolean[], numCaptured: number): void {
  if (!isMoved.slice(0, numCaptured).includes(true)) return;
  throw new LockstepError(
    'trace',
    `${op}: the function reads a value from outside that is being differentiated, and its rule does not cover that value; pass the value as an argument`,
    { op },
  );
}

const customVjpConstruct: Construct<CustomAttrs> = construct({
  name: 'customVjp',
  isCall: true,
  shape: (_inputs, { bodies: [f] }) => outputAvals((f as Bodies['bodies'][number])!),
  evaluate: (inputs, { bodies: [f] }) => call(f!, inputs),
  jvp() {
    throw new LockstepError(
      'trace',
      'customVjp: forward mode (jvp, or jvp of a gradient taken outside of it) needs a rule for tangents, and this function has one for cotangents; define it with customJvp, which serves both modes',
      { op: 'customVjp' },
    );
  },
  vjp(inputs, wanted, { bodies: [f, forward, backward], numCaptured, results }) {
    if (!wanted.includes(true)) return { outs: call(f!, inputs), pull: () => [] };
    refuseCaptured('customVjp', wanted, numCaptured);
    const [outs, residuals] = cut(call(forward!, inputs), results.count) as [Tensor[], Tensor[]];
    const captured = inputs.slice(0, numCaptured);
    return {
      outs,
      pull: (cotangents) => [
        ...captured.map(() => undefined),
        ...call(backward!, [...captured, ...residuals, ...orZeros(cotangents, outs)]),
      ],
    };
  },
  batch(inputs, batched, attrs, axis) {
    const { bodies, numCaptured } = attrs;
    const [around, own] = cut(batched, numCaptured) as [boolean[], boolean[]];
    const [f, forward] = bodies.map(
      (body): Body =>
        (xs) =>
          overBatchAs((ys) => call(body, ys), xs, batched, axis, 'all'),
    );
    const backward: Body = (xs) => {
      const flags = xs.map((_, i) => around[i] ?? true);
      const cotangents = overBatchAs((ys) => call(bodies[2]!, ys), xs, flags, axis, 'all');
      // The cotangent of a shared argument is the sum over all examples.
      return cotangents.map((ct, i) => (own[i] ? ct : sum(ct, 0)));
    };
    const outs = bindMany(customVjpConstruct, inputs, { ...attrs, bodies: [f!, forward!, backward] });
    return outs.map((value) => ({ value, batched: true }));
  },
  record: recordClosed((inputs, { bodies: [f, forward, backward], numCaptured, results }) => {
    const value = closed(f!, inputs);
    const pass = closed(forward!, inputs);
    const [outs, residuals] = cut(outputAvals(pass.program), results.count) as [Aval[], Aval[]];
    requireSameValue(outputAvals(value.program), outs);
    return [value, pass, closed(backward!, [...inputs.slice(0, numCaptured), ...residuals, ...outs])];
  }),
});

function requireSameValue(expected: readonly Aval[], found: readonly Aval[]): void {
  const text = (avals: readonly Aval[]): string =>
    avals.map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`).join(', ');
  if (text(expected) === text(found)) return;
  throw new LockstepError(
    'argument',
    `customVjp: forward gives the value ${text(found)}, and the function gives ${text(expected)}; forward must return the function's own value together with residuals`,
    { op: 'customVjp', found: text(found), expected: text(expected) },
  );
}

/** The rule takes (captured, primals, a tangent for each primal) and gives (outs, a tangent for each out). */
const customJvpConstruct: Construct<CustomAttrs> = construct({
  name: 'customJvp',
  isCall: true,
  shape: (_inputs, { bodies: [f] }) => outputAvals((f as Bodies['bodies'][number])!),
  evaluate: (inputs, { bodies: [f] }) => call(f!, inputs),
  jvp(inputs, tangents, { bodies: [, rule], numCaptured }) {
    const isMoved = tangents.map((tangent) => tangent !== undefined);
    refuseCaptured('customJvp', isMoved, numCaptured);
    const directions = orZeros(tangents, inputs).slice(numCaptured);
    const all = call(rule!, [...inputs, ...directions]);
    const [outs, moves] = cut(all, all.length / 2) as [Tensor[], Tensor[]];
    return { outs, tangents: moves.map((tangent) => (isFloat(tangent.dtype) ? tangent : undefined)) };
  },
  vjp(inputs, wanted, { bodies: [f, rule], numCaptured }) {
    if (!wanted.includes(true)) return { outs: call(f!, inputs), pull: () => [] };
    refuseCaptured('customJvp', wanted, numCaptured);
    const primals = inputs.slice(numCaptured);
    // The rule is linear in the tangents, so its pullback is the same at every point.
    const { outs: all, pull } = linearized(
      (directions) => call(rule!, [...inputs, ...directions]),
      primals.map(zerosLike),
      wanted.slice(numCaptured),
    );
    const outs = all.slice(0, all.length / 2);
    const none: MaybeTensor[] = outs.map(() => undefined);
    return {
      outs,
      pull: (cotangents) => [
        ...inputs.slice(0, numCaptured).map(() => undefined),
        ...pull([...none, ...cotangents]),
      ],
    };
  },
  batch(inputs, batched, attrs, axis) {
    const own = batched.slice(attrs.numCaptured);
    const [f, rule] = attrs.bodies.map((body, which): Body => {
      const flags = which === 0 ? batched : [...batched, ...own];
      return (xs) => overBatchAs((ys) => call(body, ys), xs, flags, axis, 'all');
    });
    const outs = bindMany(customJvpConstruct, inputs, { ...attrs, bodies: [f!, rule!] });
    return outs.map((value) => ({ value, batched: true }));
  },
  record: recordClosed((inputs, { bodies: [f, rule], numCaptured }) => [
    closed(f!, inputs),
    closed(rule!, [...inputs, ...inputs.slice(numCaptured)]),
  ]),
});

/**
 * Throws unless a rule gives a tree like the expected one. Leaves are compared by shape and converted to the expected
 * types.
 */
function conforming(
  op: string,
  what: string,
  found: { readonly leaves: readonly Tensor[]; readonly structure: Structure },
  expected: { readonly leaves: readonly Tensor[]; readonly structure: Structure },
): Tensor[] {
  const difference = firstDifference(expected.structure, found.structure);
  if (difference !== undefined) {
    const { path, left, right } = difference;
    throw new LockstepError(
      'argument',
      `${op}: ${what} has ${right} ${path === '' ? 'at its root' : `at '${path}'`} where ${left} is expected; give it the structure of the value that it belongs to`,
      { op, path },
    );
  }
  return found.leaves.map((x, i) => {
    const { shape, dtype } = expected.leaves[i]!;
    if (sameShape(x.shape, shape)) return x.cast(dtype);
    throw new LockstepError(
      'shape',
      `${op}: leaf ${i} of ${what} has shape ${formatShape(x.shape)}, and its value has ${formatShape(shape)}; they must be equal`,
      { op, leaf: i, found: x.shape, expected: shape },
    );
  });
}

function pairOf(op: string, what: string, value: unknown): readonly [unknown, unknown] {
  if (Array.isArray(value) && value.length === 2) return value as unknown as readonly [unknown, unknown];
  throw new LockstepError(
    'argument',
    `${op}: ${what} must return a pair, not ${Array.isArray(value) ? `an array of ${value.length}` : typeof value}`,
    { op },
  );
}

const checkCustomVjp = signature('customVjp', { f: aFunction, forward: aFunction, backward: aFunction });

/**
 * `f` with a custom reverse mode. `forward` gives `[value, residuals]`; `backward` turns the residuals and a cotangent
 * of the value into a list with the cotangent of each argument (null for zeros). All are functions of trees. Forward
 * mode is refused; derivatives of higher order go through `forward` and `backward`.
 * @throws LockstepError `argument` or `shape` when the trees of `forward` or `backward` have another form.
 */
export function customVjp<Args extends readonly unknown[], Out, Residuals>(
  f: (...args: Args) => Out,
  forward: (...args: Args) => readonly [Out, Residuals],
  backward: (residuals: Residuals, cotangent: Out) => { readonly [K in keyof Args]: Inputs<Args>[K] | null },
): (...args: Inputs<Args>) => Out {
  checkCustomVjp(f, forward, backward);
  return (...args) => {
    const value = flattened('customVjp', f, args);
    const results = { count: 0 };
    let kept: Structure | undefined;
    let outs: Structure | undefined;
    const pass = flattened(
      'customVjp',
      (...own: Args) => {
        const pair = pairOf('customVjp', 'forward', forward(...own));
        const [out, residuals] = pair.map((tree) => flatten(tree));
        results.count = out!.leaves.length;
        outs = out!.structure;
        kept = residuals!.structure;
        return [...out!.leaves, ...residuals!.leaves];
      },
      args,
    );
    const pull = (leaves: readonly Tensor[]): readonly Tensor[] => {
      const [residuals, cotangents] = cut(leaves, leaves.length - results.count) as [Tensor[], Tensor[]];
      const given = backward(
        restore(kept!, residuals) as Residuals,
        restore(outs!, cotangents) as Out,
      ) as unknown;
      return cotangentsOf(given, value);
    };
    const runs: CustomAttrs = { bodies: [value.call, pass.call, pull], numCaptured: 0, results };
    const leaves = bindMany(customVjpConstruct, value.leaves, runs);
    return restore(outs ?? value.structure(), leaves) as Out;
  };
}

const restore = (structure: Structure, leaves: readonly Tensor[]): unknown => unflatten(structure, leaves);

/** The leaves of the list that backward gives. */
function cotangentsOf(given: unknown, { trees }: Flattened): Tensor[] {
  if (!Array.isArray(given) || given.length !== trees.length) {
    throw new LockstepError(
      'argument',
      `customVjp: backward must return a list of ${trees.length}, a cotangent for each argument (null for zeros), not ${Array.isArray(given) ? `one of ${given.length}` : typeof given}`,
      { op: 'customVjp', expected: trees.length },
    );
  }
  return trees.flatMap((tree, i) => {
    const cotangent: unknown = given[i];
    if (cotangent === null) return tree.leaves.map(zerosLike);
    return conforming('customVjp', `the cotangent of argument ${i}`, toTensors('customVjp', cotangent), tree);
  });
}

const checkCustomJvp = signature('customJvp', { f: aFunction, rule: aFunction });

/**
 * `f` with a custom derivative. `rule` takes the lists of arguments and of their tangents and gives `[value, tangent of
 * the value]`, where the tangent is linear in the given tangents. It serves both modes: reverse mode transposes the
 * rule.
 * @throws LockstepError `argument` or `shape` when value and tangent differ in their form.
 */
export function customJvp<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  rule: (primals: Args, tangents: Args) => readonly [Out, Out],
): (...args: Inputs<Args>) => Out {
  checkCustomJvp(f, rule);
  return (...args) => {
    const value = flattened('customJvp', f, args);
    let structure: Structure | undefined;
    const both = flattened(
      'customJvp',
      (primals: Args, tangents: Args) => {
        const pair = pairOf('customJvp', 'the rule', rule(primals, tangents));
        const [out, tangent] = pair.map((tree) => toTensors('customJvp', tree));
        structure = out!.structure;
        return [...out!.leaves, ...conforming('customJvp', 'the tangent', tangent!, out!)];
      },
      [args, args],
    );
    const runs: CustomAttrs = { bodies: [value.call, both.call], numCaptured: 0, results: { count: 0 } };
    const leaves = bindMany(customJvpConstruct, value.leaves, runs);
    return restore(structure ?? value.structure(), leaves) as Out;
  };
}
