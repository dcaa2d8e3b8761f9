/**
 * A loop within a program: one equation for any number of turns. Its body is a program (captured, state, x) → (next
 * state, y).
 */

import type { TypedArray } from '@lockstep/tensor';
import { at } from '../compositions/shape/at.ts';
import { expandDims } from '../compositions/shape/axes.ts';
import type { Construct, MaybeTensor, Moved, Pruned } from '../construct.ts';
import { zeros, zerosLike } from '../convert.ts';
import { bindMany } from '../core.ts';
import { construct } from '../define.ts';
import type { BoundKernel } from '../primitive.ts';
import { repeatInFront } from '../primitives/reduce/sum.ts';
import { concatenate } from '../primitives/shape/concatenate.ts';
import { slice } from '../primitives/shape/slicing.ts';
import { evaluateProgram } from '../program/evaluate.ts';
import type { Bodies } from '../program/program.ts';
import type { Closed } from '../program/trace.ts';
import type { ConcreteTensor, Tensor } from '../tensor.ts';
import {
  batchedBody,
  chosen,
  cut,
  inputAvals,
  nothing,
  orNothing,
  outputAvals,
  prunedBodies,
  reached,
  spreadOut,
  stateReached,
} from './bodies.ts';
import { pushForward } from './jvp.ts';
import { movedBody, pathsBack, pulledBody, type Three } from './scan-bodies.ts';
import { rowOf, stackRows, swapFirstAxes } from './steering.ts';

interface Course {
  readonly length: number;
  /** Goes from the last element to the first. */
  readonly reverse: boolean;
}

interface ScanAttrs extends Bodies, Course {
  /** The first inputs are the same in every turn. Then come the state and the arrays whose rows the turns take. */
  readonly numCaptured: number;
  readonly numState: number;
}

function partsOf<T>(list: readonly T[], { numCaptured, numState }: ScanAttrs): Three<T> {
  return cut(list, numCaptured, numState) as Three<T>;
}

/** The final state, then the stacked results. `body` takes (captured, state, x). */
export function bindScan(
  body: Closed,
  captured: readonly Tensor[],
  state: readonly Tensor[],
  xs: readonly Tensor[],
  { length, reverse }: Course,
): readonly Tensor[] {
  return bindMany(scanConstruct, [...body.captured, ...captured, ...state, ...xs], {
    bodies: [body.program],
    length,
    reverse,
    numCaptured: body.captured.length + captured.length,
    numState: state.length,
  });
}

const isGiven = (list: readonly MaybeTensor[]): boolean[] => list.map((x) => x !== undefined);

const defined = (list: readonly MaybeTensor[]): Tensor[] => list.flatMap((x) => x ?? []);

const scanConstruct: Construct<ScanAttrs> = construct<ScanAttrs>({
  name: 'scan',
  shape(_inputs, { bodies: [body], length, numState }) {
    return outputAvals(body!).map(({ dtype, shape }, i) => ({
      dtype,
      shape: i < numState ? shape : [length, ...shape],
    }));
  },

  evaluate(inputs, attrs) {
    const [body] = attrs.bodies;
    const { length, reverse, numState } = attrs;
    const [captured, init, xs] = partsOf(inputs, attrs);
    const ys = outputAvals(body!)
      .slice(numState)
      .map((): Tensor[] => new Array<Tensor>(length));
    let state = init;
    for (let turn = 0; turn < length; turn++) {
      const t = reverse ? length - 1 - turn : turn;
      const own = xs.map((x) => rowOf(x as ConcreteTensor, t));
      const [next, results] = cut(evaluateProgram(body!, [...captured, ...state, ...own]), numState);
      state = next!;
      for (const [i, y] of results!.entries()) ys[i]![t] = y;
    }
    const empty = (i: number): Tensor => {
      const { dtype, shape } = outputAvals(body!)[numState + i]!;
      return zeros([0, ...shape], dtype);
    };
    return [...state, ...ys.map((list, i) => (length === 0 ? empty(i) : stackRows(list)))];
  },

  jvp(inputs, tangents, attrs) {
    const [body] = attrs.bodies;
    const parts = partsOf(inputs, attrs);
    const [ofCaptured, ofState, ofXs] = partsOf(tangents, attrs);
    const [capturedMoves, xsMove] = [isGiven(ofCaptured), isGiven(ofXs)];
    const stateMoves = stateReached(body!, [capturedMoves, isGiven(ofState), xsMove], 'derivative');
    if (attrs.length > 0 && stateMoves.some((is, i) => is && ofState[i] === undefined))
      return firstTurnApart(inputs, tangents, attrs);
    const moves = [...capturedMoves, ...stateMoves, ...xsMove];
    const ysMove = reached(body!, moves, 'derivative').slice(attrs.numState);
    const closed = movedBody(body!, [capturedMoves, stateMoves, xsMove], ysMove);
    const all = bindScan(
      closed,
      [...parts[0], ...defined(ofCaptured)],
      [...parts[1], ...chosen(orNothing(ofState, parts[1]), stateMoves)],
      [...parts[2], ...defined(ofXs)],
      attrs,
    );
    const [state, states, ys, moved] = cut(
      all,
      stateMoves.length,
      chosen(stateMoves, stateMoves).length,
      ysMove.length,
    );
    return {
      outs: [...state!, ...ys!],
      tangents: [...spreadOut(states!, stateMoves), ...spreadOut(moved!, ysMove)],
    };
  },

  vjp(inputs, wanted, attrs) {
    const [body] = attrs.bodies;
    const { numCaptured, numState } = attrs;
    const [captured, init, xs] = partsOf(inputs, attrs);
    const own = Array.from({ length: numState }, (_, i) => numCaptured + i);
    // The state at the beginning of every turn is kept; the rest of a turn is recomputed.
    const outputs = [...body!.outputs, ...own];
    const all = bindMany(scanConstruct, inputs, { ...attrs, bodies: [{ ...body!, outputs }] });
    const [outs, states] = cut(all, all.length - numState) as [Tensor[], Tensor[]];
    const [asked, ofInit, ofXs] = partsOf(wanted, attrs);
    const moves = stateReached(body!, [asked, ofInit, ofXs], 'derivative');
    return {
      outs,
      pull(cotangents) {
        const [ofState, ofYs] = cut(cotangents, numState) as [MaybeTensor[], MaybeTensor[]];
        const flags = pathsBack(body!, [asked, moves, ofXs], [isGiven(ofState), isGiven(ofYs)]);
        const [byCaptured, stateMoves, byXs] = flags;
        if (!flags.flat().includes(true)) return [];
        const back = pulledBody(body!, flags, isGiven(ofYs));
        const begin = chosen(
          init.map((x, i) => ofState[i] ?? nothing(x)),
          stateMoves,
        );
        const pulled = bindScan(
          back,
          captured,
          [...begin, ...chosen(captured, byCaptured).map(nothing)],
          [...states, ...xs, ...defined(ofYs)],
          { length: attrs.length, reverse: !attrs.reverse },
        );
        const [toInit, sums, rest] = cut(pulled, begin.length, chosen(byCaptured, byCaptured).length);
        return [
          ...spreadOut(sums!, byCaptured),
          ...spreadOut(toInit!, stateMoves),
          ...spreadOut(rest!, byXs),
        ];
      },
    };
  },

  batch(inputs, batched, attrs, axis) {
    const [body] = attrs.bodies;
    const { numState } = attrs;
    const [captured, init, xs] = partsOf(inputs, attrs);
    const [ofCaptured, ofState, ofXs] = partsOf(batched, attrs);
    const state = stateReached(body!, [ofCaptured, ofState, ofXs], 'batch');
    const flags = [...ofCaptured, ...state, ...ofXs];
    const asked = [...state, ...reached(body!, flags, 'batch').slice(numState)];
    const outs = bindScan(
      batchedBody(body!, flags, axis, asked),
      captured,
      init.map((x, i) => (state[i] && !ofState[i] ? repeatInFront(x, axis.size) : x)),
      xs.map((x, i) => (ofXs[i] ? swapFirstAxes(x) : x)),
      attrs,
    );
    return outs.map((value, i) => ({
      value: asked[i] && i >= numState ? swapFirstAxes(value) : value,
      batched: asked[i]!,
    }));
  },

  planned: {
    temporaries({ bodies: [body], numCaptured, numState }) {
      const all = inputAvals(body!);
      return [...outputAvals(body!), ...all.slice(numCaptured + numState)];
    },
    kernel(outs, inputs, attrs, { temporaries, bodies: [bind] }) {
      const { numState, length, reverse } = attrs;
      const [captured, init, xs] = partsOf(inputs, attrs);
      const [state, ys] = cut(outs, numState);
      const [next, results, own] = cut(temporaries, numState, ys!.length);
      const body = bind!([...captured, ...state!, ...own!], [...next!, ...results!]);
      const takes = xs.map((x, i) => rowMover(own![i]!.data, x.data, 'take'));
      const gives = ys!.map((y, i) => rowMover(y.data, results![i]!.data, 'give'));
      const run: BoundKernel = (kernels) => {
        body.prepare(kernels);
        for (const [i, x] of init.entries()) kernels.copy(state![i]!.data, x.data);
        for (let turn = 0; turn < length; turn++) {
          const t = reverse ? length - 1 - turn : turn;
          for (const take of takes) take(t);
          body.run(kernels);
          for (const give of gives) give(t);
          for (let i = 0; i < numState; i++) kernels.copy(state![i]!.data, next![i]!.data);
        }
      };
      return run;
    },
    flops: ([turn], { length }) => length * turn!,
  },

  prune,
});

/**
 * Values and tangents where a state begins to move only within the loop: the first turn runs separately. A tangent of
 * zeros instead would affect the signs of other zeros.
 */
function firstTurnApart(
  inputs: readonly Tensor[],
  tangents: readonly MaybeTensor[],
  attrs: ScanAttrs,
): Moved {
  const [captured, state, xs] = partsOf(inputs, attrs);
  const [ofCaptured, ofState, ofXs] = partsOf(tangents, attrs);
  const { length, reverse, numState } = attrs;
  const first = reverse ? length - 1 : 0;
  const rest = (x: Tensor): Tensor => (reverse ? slice(x, [0], [first]) : slice(x, [1]));
  const turn = pushForward(
    (all) => evaluateProgram(attrs.bodies[0]!, all),
    [...captured, ...state, ...xs.map((x) => at(x, first))],
    [...ofCaptured, ...ofState, ...ofXs.map((t) => t && at(t, first))],
  );
  const [next, ys] = cut(turn.outs, numState) as [Tensor[], Tensor[]];
  const [ofNext, ofYs] = cut(turn.tangents, numState) as [MaybeTensor[], MaybeTensor[]];
  const others = scanConstruct.jvp(
    [...captured, ...next, ...xs.map(rest)],
    [...ofCaptured, ...ofNext, ...ofXs.map((t) => t && rest(t))],
    { ...attrs, length: length - 1 },
  );
  const joined = (y: Tensor, more: Tensor): Tensor =>
    concatenate(reverse ? [more, expandDims(y, 0)] : [expandDims(y, 0), more]);
  const moved = ys.map((y, i): MaybeTensor => {
    const [own, more] = [ofYs[i], others.tangents[numState + i]];
    if (own === undefined && more === undefined) return undefined;
    return joined(own ?? zerosLike(y), more ?? zerosLike(others.outs[numState + i]!));
  });
  return {
    outs: [...others.outs.slice(0, numState), ...ys.map((y, i) => joined(y, others.outs[numState + i]!))],
    tangents: [...others.tangents.slice(0, numState), ...moved],
  };
}

/** Copies one row between an array of rows and a separate place, word by word, without a view for each turn. */
function rowMover(to: TypedArray, from: TypedArray, way: 'take' | 'give'): (t: number) => void {
  const [target, source] = [wordsOf(to), wordsOf(from)];
  const size = way === 'take' ? target.length : source.length;
  return way === 'take'
    ? (t) => {
        for (let i = 0, at = t * size; i < size; i++, at++) target[i] = source[at]!;
      }
    : (t) => {
        for (let i = 0, at = t * size; i < size; i++, at++) target[at] = source[i]!;
      };
}

function wordsOf(data: TypedArray): Int32Array | Uint8Array {
  if (data instanceof Uint8Array) return data;
  return new Int32Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 4);
}

/**
 * Drops results, states and operands that no output needs. A needed state also needs everything that its next turn
 * needs.
 */
function prune(attrs: ScanAttrs, needed: readonly boolean[]): Pruned | undefined {
  const { numCaptured, numState } = attrs;
  const isState = (input: number): boolean => input >= numCaptured && input < numCaptured + numState;
  let live = needed;
  for (;;) {
    const isLive = (input: number): boolean => isState(input) && live[input - numCaptured]!;
    const { bodies, inputs } = prunedBodies(attrs.bodies, live, isLive);
    const next = live.map((is, i) => is || (i < numState && inputs.includes(numCaptured + i)));
    if (next.some((is, i) => is !== live[i])) {
      live = next;
      continue;
    }
    if (inputs.length === attrs.bodies[0]!.numInputs && !live.includes(false)) return undefined;
    const counts = {
      numCaptured: inputs.filter((input) => input < numCaptured).length,
      numState: inputs.filter(isState).length,
    };
    const outputs = live.flatMap((is, i) => (is ? [i] : []));
    return { inputs, outputs, attrs: { ...attrs, ...counts, bodies } };
  }
}
