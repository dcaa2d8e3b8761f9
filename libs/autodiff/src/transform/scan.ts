/** Loops with a known number of turns. */
import {
  aBoolean,
  aFunction,
  aNumber,
  anything,
  LockstepError,
  type Rules,
  signature,
} from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { type Structure, unflatten } from '@lockstep/tree';
import { tensor } from '../convert.ts';
import { stack } from '../primitives/shape/concatenate.ts';
import { closeProgram } from '../program/trace.ts';
import type { Tensor } from '../tensor.ts';
import { toTensors } from './arguments.ts';
import { cut } from './bodies.ts';
import { withOwnPlace } from './checkpoint.ts';
import { bindScan } from './scan-construct.ts';
import { isProgramUnderWay, refuseExchanges, returned, rows, type State } from './steering.ts';
import type { Values } from './types.ts';

export interface ScanOptions {
  /** The number of turns, required if `xs` has no arrays. Default: the length of `xs`. */
  readonly length?: number;
  /** Go from the last element to the first; results keep their places. Default false. */
  readonly reverse?: boolean;
}

export const scanRules: Rules<ScanOptions> = { length: aNumber, reverse: aBoolean };

const checkScan = signature('scan', { f: aFunction, init: anything, xs: anything }, scanRules);

/**
 * A loop that carries a state and collects results. `f` takes the state and one element of `xs` (a tree of arrays,
 * iterated along their first axes; or null) and returns the next state and a result, or null for no result. Gives the
 * final state and the stacked results: [carry, ys].
 *
 * Outside of `jit` it is a JavaScript loop. Within a program it is one equation for any length; its reverse mode keeps
 * the state of each turn and recomputes the rest. Derivatives of any order in both modes.
 * @throws LockstepError `shape`, `dtype` or `argument` if the returned state differs from the given one in structure,
 * shape or type, or if lengths differ.
 */
export function scan<const C, const X, Y>(
  f: (carry: Values<C>, x: Values<X>) => readonly [Values<C>, Y],
  init: C,
  xs: X,
  options: ScanOptions = {},
): [Values<C>, Values<Y>] {
  checkScan(f, init, xs, options);
  const [state, ys] = run('scan', f, init, xs, options);
  return [state, ys as Values<Y>];
}

const checkForLoop = signature('forLoop', { from: aNumber, to: aNumber, body: aFunction, init: anything });

/**
 * Runs `state = body(i, state)` for i = from, …, to − 1: a {@link scan} over the numbers of the turns. `i` is an int32
 * scalar.
 */
export function forLoop<const C>(
  from: number,
  to: number,
  body: (i: Tensor, state: Values<C>) => Values<C>,
  init: C,
): Values<C> {
  checkForLoop(from, to, body, init);
  if (!Number.isInteger(from) || !Number.isInteger(to)) {
    throw new LockstepError(
      'argument',
      `forLoop: goes from ${from} to ${to}, which are not both whole numbers; use whileLoop for a loop whose end is computed`,
      { from, to },
    );
  }
  const state = toTensors('forLoop', init);
  const step = ([i, own]: readonly [Tensor, Values<C>]) => {
    const next = returned('forLoop', body(i, own), state);
    return [[i.add(1), unflatten(state.structure, next)], null];
  };
  const start = tensor(from, { dtype: 'int32' });
  const begin = [start, unflatten(state.structure, state.leaves)];
  const [end] = run('forLoop', step, begin, null, { length: Math.max(0, to - from) });
  return end[1];
}

const checkMapOver = signature('mapOver', { f: aFunction, xs: anything });

/** The stacked results of `f` for each element of `xs`, one after the other: `vmap` with the memory of a loop. */
export function mapOver<const X, Y>(f: (x: Values<X>) => Y, xs: X): Values<Y> {
  checkMapOver(f, xs);
  const step = (_none: null, x: Values<X>): unknown => [null, f(x)];
  return run('mapOver', step, null, xs, {})[1] as Values<Y>;
}

/**
 * `Carry` and `X` are the types that `f` takes: the trees of `init` and of one element of `xs`, with tensors as leaves.
 */
function run<Carry, X>(
  op: string,
  f: (carry: Carry, x: X) => unknown,
  init: unknown,
  xs: unknown,
  options: ScanOptions,
): [Carry, unknown] {
  const state: State = toTensors(op, init);
  const elements = toTensors(op, xs);
  const length = lengthOf(op, elements.leaves, options.length);
  const { reverse = false } = options;
  let results: Structure = { kind: 'null' };
  const step = (leaves: readonly Tensor[]): Tensor[] => {
    const [carry, x] = cut(leaves, state.leaves.length);
    const out = f(unflatten(state.structure, carry!) as Carry, unflatten(elements.structure, x!) as X);
    if (!Array.isArray(out) || out.length !== 2) {
      throw new LockstepError(
        'argument',
        `${op}: the body must return [state, result], not ${Array.isArray(out) ? `an array of ${out.length}` : typeof out}; give null for no result`,
        { op },
      );
    }
    const ys = toTensors(op, out[1]);
    results = ys.structure;
    return [...returned(op, out[0], state), ...ys.leaves];
  };
  const isRecorded = isProgramUnderWay() || length === 0;
  const loop = isRecorded ? recorded : unrolled;
  const leaves = loop(op, step, state.leaves, elements.leaves, { length, reverse });
  const [carry, ys] = cut(leaves, state.leaves.length);
  return [unflatten(state.structure, carry!) as Carry, unflatten(results, ys!)];
}

type Loop = (
  op: string,
  step: (leaves: readonly Tensor[]) => readonly Tensor[],
  init: readonly Tensor[],
  xs: readonly Tensor[],
  course: { readonly length: number; readonly reverse: boolean },
) => readonly Tensor[];

/** Records the loop as one equation of the program that is being traced. */
const recorded: Loop = (op, step, init, xs, course) => {
  const own = xs.map(({ dtype, shape }) => ({ dtype, shape: shape.slice(1) }));
  const closed = closeProgram((...leaves) => step(leaves), [...init, ...own]);
  refuseExchanges(op, closed.program);
  return bindScan(closed, [], init, xs, course);
};

const unrolled: Loop = (_op, step, init, xs, { length, reverse }) => {
  const elements = xs.map(rows);
  const ys: Tensor[][] = [];
  let state = init;
  for (let turn = 0; turn < length; turn++) {
    const t = reverse ? length - 1 - turn : turn;
    const [next, results] = cut(step([...state, ...elements.map((list) => list[t]!)]), init.length);
    state = withOwnPlace(next!);
    for (const [i, y] of results!.entries()) {
      ys[i] ??= new Array<Tensor>(length);
      ys[i][t] = y;
    }
  }
  return [...state, ...ys.map((list) => stack(list))];
};

function lengthOf(op: string, xs: readonly Tensor[], asked: number | undefined): number {
  const length = asked ?? xs[0]?.shape[0];
  if (length === undefined || !Number.isInteger(length) || length < 0) {
    throw new LockstepError(
      'argument',
      `${op}: the number of turns is ${asked ?? 'unknown'}; give arrays to iterate over, or a whole length ≥ 0`,
      { op, length: asked },
    );
  }
  const other = xs.find(({ shape }) => shape[0] !== length);
  if (other === undefined) return length;
  throw new LockstepError(
    'shape',
    `${op}: an array ${formatShape(other.shape)} does not have a row for each of ${length} turns; all first axes must be equally long${asked === undefined ? '' : ', and as long as length'}`,
    { op, length, shape: other.shape },
  );
}
