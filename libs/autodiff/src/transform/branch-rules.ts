/** Rules that both branch constructs share: derivatives of bodies, and bodies as programs. */

import { isFloat } from '@lockstep/tensor';
import type { MaybeTensor } from '../construct.ts';
import type { Attrs } from '../primitive.ts';
import type { Program } from '../program/program.ts';
import { type Closed, closeProgram, shareCaptured } from '../program/trace.ts';
import type { Tensor } from '../tensor.ts';
import {
  type Body,
  call,
  chosen,
  inputAvals,
  isProgram,
  jvpBody,
  orZeros,
  outputAvals,
  reached,
  reachedBack,
  spreadOut,
} from './bodies.ts';
import { pushForward } from './jvp.ts';
import { isProgramUnderWay } from './steering.ts';
import { linearized } from './tape.ts';

/**
 * Outside a program the bodies are functions, since a loop in them has a reverse mode only there; within a program they
 * are programs.
 */
export interface BranchAttrs extends Attrs {
  readonly bodies: readonly Body[];
}

export const placeIn = ({ length }: { readonly length: number }, index: number): number =>
  Math.min(Math.max(index, 0), length - 1);

/** For each output, whether any of the bodies moves it. */
export function reachedInAny(
  bodies: readonly Program[],
  flags: readonly boolean[],
  by: 'derivative' | 'batch',
): boolean[] {
  const all = bodies.map((body) => reached(body, flags, by));
  return all[0]!.map((_, i) => all.some((moves) => moves[i]));
}

export const arePrograms = (bodies: readonly Body[]): bodies is readonly Program[] => bodies.every(isProgram);

/** Binds the construct again: to other bodies, and to operands with flags where each example has its own. */
type Rebind = (
  bodies: BranchAttrs['bodies'] | readonly Closed[],
  more: readonly Tensor[],
) => readonly Tensor[];

/** Values and tangents. `rebind` runs bodies that take (operands, tangents of the operands that move). */
export function moved(bodies: readonly Body[], tangents: readonly MaybeTensor[], rebind: Rebind) {
  const moves = tangents.map((tangent) => tangent !== undefined);
  const given = chosen(tangents as Tensor[], moves);
  if (arePrograms(bodies)) {
    const asked = reachedInAny(bodies, moves, 'derivative');
    const all = rebind(
      bodies.map((body) => jvpBody(body, moves, asked)),
      given,
    );
    return { outs: all.slice(0, asked.length), tangents: spreadOut(all.slice(asked.length), asked) };
  }
  const all = rebind(
    bodies.map(
      (body): Body =>
        (xs) => {
          const [primals, own] = [xs.slice(0, moves.length), xs.slice(moves.length)];
          const { outs, tangents: ts } = pushForward((ys) => call(body, ys), primals, spreadOut(own, moves));
          return [...outs, ...orZeros(ts, outs)];
        },
    ),
    given,
  );
  const outs = all.slice(0, all.length / 2);
  return { outs, tangents: all.slice(outs.length).map((t) => (isFloat(t.dtype) ? t : undefined)) };
}

/**
 * Cotangents of the wanted operands. `rebind` runs bodies that take (operands, cotangents of the outputs that have
 * any).
 */
export function pulled(
  bodies: readonly Body[],
  asked: readonly boolean[],
  cotangents: readonly MaybeTensor[],
  rebind: Rebind,
): readonly MaybeTensor[] {
  const given = cotangents.map((ct) => ct !== undefined);
  const paths = bodies.map((body) => (isProgram(body) ? reachedBack(body, given) : asked));
  const wanted = asked.map((is, i) => is && paths.some((each) => each[i]));
  if (!wanted.includes(true)) return [];
  const back = bodies.map(
    (body): Body =>
      (all) => {
        const xs = all.slice(0, wanted.length);
        const { pull } = linearized((inputs) => call(body, inputs), xs, wanted);
        return chosen(orZeros(pull(spreadOut(all.slice(xs.length), given)), xs), wanted);
      },
  );
  const cts = chosen(cotangents as Tensor[], given);
  if (!arePrograms(bodies) || !isProgramUnderWay()) return spreadOut(rebind(back, cts), wanted);
  const closed = back.map((f, i) => {
    const avals = [...inputAvals(bodies[i]!), ...chosen(outputAvals(bodies[i]!), given)];
    return closeProgram((...all) => call(f, all), avals);
  });
  return spreadOut(rebind(closed, cts), wanted);
}

export const isClosed = (bodies: readonly Body[] | readonly Closed[]): bodies is readonly Closed[] =>
  bodies.every((body) => typeof body !== 'function' && 'captured' in body);

/**
 * Traces bodies that are functions into programs, on entry into a program. `operands` give the types of their inputs.
 */
export function closeAll(bodies: readonly Body[], operands: readonly Pick<Tensor, 'dtype' | 'shape'>[]) {
  return shareCaptured(bodies.map((body) => closeProgram((...xs) => call(body, xs), operands)));
}
