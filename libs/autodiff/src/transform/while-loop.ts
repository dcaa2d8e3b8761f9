/** Loops that end when their state says so. */
import { aFunction, anything, LockstepError, signature } from '@lockstep/errors';
import { unflatten } from '@lockstep/tree';
import type { Construct } from '../construct.ts';
import { bindMany } from '../core.ts';
import { construct } from '../define.ts';
import { cast } from '../primitives/elementwise/cast.ts';
import { greater } from '../primitives/elementwise/fusible.ts';
import { repeatInFront, sum } from '../primitives/reduce/sum.ts';
import { evaluateProgram } from '../program/evaluate.ts';
import type { Bodies, Program } from '../program/program.ts';
import { type Closed, closeProgram, shareCaptured } from '../program/trace.ts';
import type { Tensor } from '../tensor.ts';
import { toTensors } from './arguments.ts';
import {
  chosen,
  cut,
  inputAvals,
  orNothing,
  orZeros,
  outputAvals,
  overBatchAs,
  reached,
  spreadOut,
  stateReached,
} from './bodies.ts';
import { bindBranch, bindEach } from './branch.ts';
import { withOwnPlace } from './checkpoint.ts';
import { pushForward } from './jvp.ts';
import { elementsOf, isProgramUnderWay, refuseExchanges, returned, steering } from './steering.ts';
import { linearized } from './tape.ts';
import type { Values } from './types.ts';

/** Two bodies that take (captured, state): the first tells whether to go on, the second gives the next state. */
interface WhileAttrs extends Bodies {
  readonly numCaptured: number;
}

function bindWhile(
  condition: Closed,
  body: Closed,
  captured: readonly Tensor[],
  state: readonly Tensor[],
): readonly Tensor[] {
  const { programs: bodies, captured: more } = shareCaptured([condition, body]);
  const numCaptured = more.length + captured.length;
  return bindMany(whileConstruct, [...more, ...captured, ...state], { bodies, numCaptured });
}

const whileConstruct: Construct<WhileAttrs> = construct<WhileAttrs>({
  name: 'while',
  shape: (_inputs, { bodies: [, body] }) => outputAvals(body!),
  evaluate: looped,

  jvp(inputs, tangents, { bodies: [condition, body], numCaptured }) {
    const [captured, state] = cut(inputs, numCaptured) as [Tensor[], Tensor[]];
    const [ofCaptured, ofState] = cut(tangents, numCaptured);
    const capturedMoves = ofCaptured!.map((tangent) => tangent !== undefined);
    const given = ofState!.map((tangent) => tangent !== undefined);
    const stateMoves = stateReached(body!, [capturedMoves, given, []], 'derivative');
    const [around, own] = cut(inputAvals(body!), numCaptured);
    const parts = [around!, chosen(around!, capturedMoves), own!, chosen(own!, stateMoves)];
    const close = (f: (primals: Tensor[], directions: (Tensor | undefined)[]) => readonly Tensor[]): Closed =>
      closeProgram((...all) => {
        const [c, ct, s, st] = cut(all, ...parts.map(({ length }) => length)) as [
          ...[Tensor[], Tensor[], Tensor[], Tensor[]],
        ];
        return f([...c, ...s], [...spreadOut(ct, capturedMoves), ...spreadOut(st, stateMoves)]);
      }, parts.flat());
    const all = bindWhile(
      close((primals) => evaluateProgram(condition!, primals)),
      close((primals, directions) => {
        const moved = pushForward((xs) => evaluateProgram(body!, xs), primals, directions);
        return [...moved.outs, ...chosen(orZeros(moved.tangents, moved.outs), stateMoves)];
      }),
      [...captured, ...ofCaptured!.flatMap((tangent) => tangent ?? [])],
      [...state, ...chosen(orNothing(ofState!, state), stateMoves)],
    );
    return {
      outs: all.slice(0, state.length),
      tangents: spreadOut(all.slice(state.length), stateMoves),
    };
  },

  vjp(inputs, wanted, attrs) {
    // Outside a program it is a JavaScript loop.
    if (!isProgramUnderWay()) return linearized((xs) => looped(xs, attrs), inputs, wanted);
    const outs = bindMany(whileConstruct, inputs, attrs);
    const pull = (): never => {
      throw new LockstepError(
        'trace',
        'whileLoop: within a program reverse mode cannot go back through a loop whose number of turns is unknown, because memory is planned before it runs; use scan or forLoop with a fixed number of turns (where() keeps finished states), customVjp for a fixed point, jvp, or leave jit and checkpoint',
        { op: 'whileLoop' },
      );
    };
    return { outs, pull };
  },

  batch(inputs, batched, { bodies: [condition, body], numCaptured }, axis) {
    const [captured, init] = cut(inputs, numCaptured) as [Tensor[], Tensor[]];
    const [ofCaptured, ofState] = cut(batched, numCaptured) as [boolean[], boolean[]];
    const moving = stateReached(body!, [ofCaptured, ofState, []], 'batch');
    const isSteered = reached(condition!, [...ofCaptured, ...moving], 'batch')[0]!;
    const flags = moving.map((moves) => moves || isSteered);
    const all = [...ofCaptured, ...flags];
    const over = (which: typeof body, xs: readonly Tensor[], asked: readonly boolean[]): Tensor[] =>
      overBatchAs((ys) => evaluateProgram(which!, ys), xs, all, axis, asked);
    const avals = inputAvals(body!).map(({ dtype, shape }, i) => {
      return { dtype, shape: all[i] ? [axis.size, ...shape] : shape };
    });
    const outs = bindWhile(
      closeProgram((...xs) => {
        const [goesOn] = over(condition, xs, [isSteered]);
        return [isSteered ? greater(sum(cast(goesOn!, 'float32')), 0) : goesOn!];
      }, avals),
      closeProgram((...xs) => {
        if (!isSteered) return over(body, xs, flags);
        const [goesOn] = over(condition, xs, [true]);
        return turnOf(goesOn!, body!, xs, numCaptured, { size: axis.size, isOwn: all });
      }, avals),
      captured,
      init.map((x, i) => (flags[i] && !ofState[i] ? repeatInFront(x, axis.size) : x)),
    );
    return outs.map((value, i) => ({ value, batched: flags[i]! }));
  },

  planned: {
    temporaries: ({ bodies: [condition, body] }) => [...outputAvals(condition!), ...outputAvals(body!)],
    kernel(state, inputs, { numCaptured }, { temporaries: [goesOn, ...next], bodies: [test, turn] }) {
      const [captured, init] = cut(inputs, numCaptured);
      const condition = test!([...captured!, ...state], [goesOn!]);
      const body = turn!([...captured!, ...state], next);
      return (kernels) => {
        condition.prepare(kernels);
        body.prepare(kernels);
        for (const [i, x] of init!.entries()) kernels.copy(state[i]!.data, x.data);
        for (;;) {
          condition.run(kernels);
          if (goesOn!.data[0] === 0) return;
          body.run(kernels);
          for (let i = 0; i < state.length; i++) kernels.copy(state[i]!.data, next[i]!.data);
        }
      };
    },
    // The cost of one turn: the number of turns is unknown.
    flops: ([test, turn]) => test! + turn!,
  },
});

const checkWhileLoop = signature('whileLoop', { condition: aFunction, body: aFunction, init: anything });

/**
 * Runs `state = body(state)` as long as `condition(state)` (bool, one element) holds. Outside of `jit` it is a
 * JavaScript loop, with derivatives in both modes. Within a program it is one equation, with derivatives in forward
 * mode. If the examples of a batch end at different times, the loop runs until all have ended, and each keeps the state
 * with which it ended.
 * @throws LockstepError `shape`, `dtype` or `argument` if the returned state differs from the given one in structure,
 * shape or type.
 */
export function whileLoop<const C>(
  condition: (state: Values<C>) => Tensor | boolean,
  body: (state: Values<C>) => Values<C>,
  init: C,
): Values<C> {
  checkWhileLoop(condition, body, init);
  const state = toTensors('whileLoop', init);
  const tree = (leaves: readonly Tensor[]): Values<C> => unflatten(state.structure, leaves) as Values<C>;
  const test = (leaves: readonly Tensor[]): Tensor =>
    steering('whileLoop', 'the condition', condition(tree(leaves)), 'bool');
  const turn = (leaves: readonly Tensor[]): Tensor[] => returned('whileLoop', body(tree(leaves)), state);
  if (!isProgramUnderWay()) return tree(unrolled(test, turn, state.leaves));
  const [first, second] = [
    closeProgram((...leaves) => [test(leaves)], state.leaves),
    closeProgram((...leaves) => turn(leaves), state.leaves),
  ];
  for (const { program } of [first, second]) refuseExchanges('whileLoop', program);
  return tree(bindWhile(first, second, [], state.leaves));
}

/** One turn of the examples that go on; the others keep their state. `body` takes (captured, state). */
function turnOf(
  goesOn: Tensor,
  body: Program,
  inputs: readonly Tensor[],
  numCaptured: number,
  how: { readonly size: number; readonly isOwn: readonly boolean[] },
): readonly Tensor[] {
  const stay = closeProgram((...xs) => xs.slice(numCaptured), inputAvals(body));
  return bindEach(cast(goesOn, 'int32'), [stay, { program: body, captured: [] }], inputs, how);
}

/** The construct's own loop, from (captured, state). */
function looped(
  inputs: readonly Tensor[],
  { bodies: [condition, body], numCaptured }: WhileAttrs,
): readonly Tensor[] {
  const [captured, init] = cut(inputs, numCaptured);
  return unrolled(
    (state) => evaluateProgram(condition!, [...captured!, ...state])[0]!,
    (state) => evaluateProgram(body!, [...captured!, ...state]),
    init!,
  );
}

function unrolled(
  test: (leaves: readonly Tensor[]) => Tensor,
  turn: (leaves: readonly Tensor[]) => readonly Tensor[],
  init: readonly Tensor[],
): readonly Tensor[] {
  let state = init;
  for (;;) {
    const goesOn = test(state);
    const elements = elementsOf(goesOn)!;
    if (!elements.includes(1)) return state;
    if (!elements.includes(0)) {
      state = withOwnPlace(turn(state));
      continue;
    }
    // Only the examples that go on make another turn. The others keep their state, so what a turn would compute from it
    // has no effect.
    const stay = closeProgram((...leaves) => leaves, state);
    const next = closeProgram((...leaves) => turn(leaves), state, state);
    state = bindBranch(cast(goesOn, 'int32'), [stay, next], state);
  }
}
