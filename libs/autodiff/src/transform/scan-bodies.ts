/** The bodies of a scan's derivatives, as programs of one turn. */

import { evaluateProgram } from '../program/evaluate.ts';
import type { Program } from '../program/program.ts';
import { type Closed, closeProgram } from '../program/trace.ts';
import type { Tensor } from '../tensor.ts';
import { chosen, cut, inputAvals, orZeros, outputAvals, reachedBack, spreadOut } from './bodies.ts';
import { pushForward } from './jvp.ts';
import { linearized } from './tape.ts';

/** The moving inputs to which a cotangent leads; for the state, in any turn. */
export function pathsBack(
  body: Program,
  [captured, state, xs]: Three<boolean>,
  [ofState, ofYs]: readonly [readonly boolean[], readonly boolean[]],
): Three<boolean> {
  const given = state.map((moves, i) => moves && ofState[i]!);
  const paths = reachedBack(body, [...given, ...ofYs]);
  const [toCaptured, toState, toXs] = cut(paths, captured.length, state.length) as Three<boolean>;
  const next = state.map((moves, i) => moves && (ofState[i]! || toState[i]!));
  if (next.some((is, i) => is !== given[i])) return pathsBack(body, [captured, state, xs], [next, ofYs]);
  return [captured.map((is, i) => is && toCaptured[i]!), given, xs.map((is, i) => is && toXs[i]!)];
}

/** (captured, state, x), each with the tangents of its moving values → (state, its tangents, y, their tangents) */
export function movedBody(body: Program, flags: Three<boolean>, ysMove: readonly boolean[]): Closed {
  const avals = cut(inputAvals(body), flags[0].length, flags[1].length);
  const inputs = avals.map((part, i) => [...part, ...chosen(part, flags[i]!)]);
  const numState = flags[1].length;
  return closeProgram((...all) => {
    const parts = cut(all, inputs[0]!.length, inputs[1]!.length);
    const primals = parts.flatMap((part, i) => part.slice(0, flags[i]!.length));
    const moves = parts.flatMap((part, i) => spreadOut(part.slice(flags[i]!.length), flags[i]!));
    const { outs, tangents } = pushForward((xs) => evaluateProgram(body, xs), primals, moves);
    const whole = orZeros(tangents, outs);
    return [
      ...outs.slice(0, numState),
      ...chosen(whole.slice(0, numState), flags[1]),
      ...outs.slice(numState),
      ...chosen(whole.slice(numState), ysMove),
    ];
  }, inputs.flat());
}

/**
 * (captured, [cotangents of the state, sums of the captured values' cotangents], [state, x, cotangents of y]) →
 * (the cotangents and sums one turn earlier, cotangents of x)
 */
export function pulledBody(body: Program, flags: Three<boolean>, ysGiven: readonly boolean[]): Closed {
  const [byCaptured, stateMoves, byXs] = flags;
  const [captured, state, xs] = cut(inputAvals(body), byCaptured.length, stateMoves.length);
  const ys = outputAvals(body).slice(stateMoves.length);
  const carried = [...chosen(state!, stateMoves), ...chosen(captured!, byCaptured)];
  const numMoving = chosen(state!, stateMoves).length;
  return closeProgram(
    (...all) => {
      const [around, cts, sums, at, ofYs] = cut(
        all,
        captured!.length,
        numMoving,
        carried.length - numMoving,
        state!.length + xs!.length,
      ) as [Tensor[], Tensor[], Tensor[], Tensor[], Tensor[]];
      const { pull } = linearized(
        (inputs) => {
          const [next, results] = cut(evaluateProgram(body, inputs), stateMoves.length);
          // A value that is both a result and a state leaves its turn as a result first.
          return [...results!, ...next!];
        },
        [...around, ...at],
        flags.flat(),
      );
      const pulled = pull(
        [...spreadOut(ofYs, ysGiven), ...spreadOut(cts, stateMoves)],
        spreadOut(sums, byCaptured),
      );
      const filled = orZeros(pulled, [...around, ...at]);
      const [ofCaptured, ofState, ofXs] = cut(filled, captured!.length, state!.length);
      return [...chosen(ofState!, stateMoves), ...chosen(ofCaptured!, byCaptured), ...chosen(ofXs!, byXs)];
    },
    [...captured!, ...carried, ...state!, ...xs!, ...chosen(ys, ysGiven)],
  );
}

export type Three<T> = [captured: T[], state: T[], xs: T[]];
