/**
 * Recurrent layers over sequences [rows, time, features], with PyTorch's equations, order of gates and two biases.
 * The product with the inputs is computed for all times at once; only the product with the state is computed time by
 * time.
 */

import { concatenate, foldIn, relu, split, stack, type Tensor, unstack, zeros } from '@lockstep/autodiff';
import { aBoolean, aFunction, aNumber, oneOf, type Rules, signature, whole } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';
import { addBias } from './dense.ts';
import { dropped, requireRate } from './dropout.ts';
import type { Initializer } from './fans.ts';
import { uniform } from './initializers.ts';
import { checkedLayer, type Empty, type Layer, requireContext } from './layer.ts';
import { requireSequence } from './require.ts';

/** The parameters of one direction of one layer; the gates of a cell are consecutive along the last axis. */
export type CellParams = {
  /** [features, gates·units] */
  readonly kernel: Tensor;
  /** [units, gates·units] */
  readonly recurrent: Tensor;
  /** [gates·units] each */
  readonly inputBias?: Tensor;
  readonly recurrentBias?: Tensor;
};

/** By layer, then by direction: forward, backward. */
export type RecurrentParams = readonly (readonly CellParams[])[];

export interface RecurrentOptions {
  /** The number of stacked layers. Default 1. */
  readonly layers?: number;
  /**
   * Whether a second direction runs from the end to the beginning; its outputs follow the first's along the last
   * axis. Default false.
   */
  readonly bidirectional?: boolean;
  /**
   * 'sequence': the outputs of all times, [rows, time, units]. 'last': for each direction, the output after the whole
   * sequence, [rows, units]. Default 'sequence'.
   */
  readonly output?: 'sequence' | 'last';
  /** Dropout rate between layers, in training. Default 0. */
  readonly dropout?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** The initialiser of all parameters without their own. Default uniform in ±1/√units. */
  readonly init?: Initializer;
  /** The initialiser of the kernel of the state, such as `orthogonal()`. Default: that of all parameters. */
  readonly recurrentInit?: Initializer;
}

export const recurrentRules: Rules<RecurrentOptions> = {
  layers: whole(1),
  bidirectional: aBoolean,
  output: oneOf('sequence', 'last'),
  dropout: aNumber,
  bias: aBoolean,
  init: aFunction,
  recurrentInit: aFunction,
};

export interface RnnOptions extends RecurrentOptions {
  /** Default 'tanh'. */
  readonly activation?: 'tanh' | 'relu';
}

export const rnnRules: Rules<RnnOptions> = { ...recurrentRules, activation: oneOf('tanh', 'relu') };

const checkRnn = signature('rnn', { units: whole(1) }, rnnRules);

/** hₜ = tanh(x·W + b + hₜ₋₁·R + c) (Elman, 1990). [rows, time, features] → [rows, time, units] */
export function rnn(units: number, given: RnnOptions = {}): Layer<RecurrentParams, Empty> {
  checkRnn(units, given);
  const { activation = 'tanh', ...options } = given;
  return recurrent('rnn', units, options, {
    gates: 1,
    step([h], x, product) {
      const sum = x.add(product(h!));
      return [activation === 'relu' ? relu(sum) : sum.tanh()];
    },
    numStates: 1,
  });
}

const checkLstm = signature('lstm', { units: whole(1) }, recurrentRules);

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997) with input, forget, cell and output gates in this order:
 * cₜ = f·cₜ₋₁ + i·g, hₜ = o·tanh(cₜ). [rows, time, features] → [rows, time, units]
 */
export function lstm(units: number, options: RecurrentOptions = {}): Layer<RecurrentParams, Empty> {
  checkLstm(units, options);
  return recurrent('lstm', units, options, {
    gates: 4,
    numStates: 2,
    step([h, c], x, product) {
      const [i, f, g, o] = split(x.add(product(h!)), 4, 1) as [Tensor, Tensor, Tensor, Tensor];
      const cell = f.sigmoid().mul(c!).add(i.sigmoid().mul(g.tanh()));
      return [o.sigmoid().mul(cell.tanh()), cell];
    },
  });
}

const checkGru = signature('gru', { units: whole(1) }, recurrentRules);

/**
 * Gated recurrent unit (Cho et al., 2014) with reset, update and new gates in this order: n = tanh(x·W + b + r·(h·R + c)),
 * hₜ = (1 − z)·n + z·hₜ₋₁. [rows, time, features] → [rows, time, units]
 */
export function gru(units: number, options: RecurrentOptions = {}): Layer<RecurrentParams, Empty> {
  checkGru(units, options);
  return recurrent('gru', units, options, {
    gates: 3,
    numStates: 1,
    step([h], x, product) {
      const [xr, xz, xn] = split(x, 3, 1) as [Tensor, Tensor, Tensor];
      const [hr, hz, hn] = split(product(h!), 3, 1) as [Tensor, Tensor, Tensor];
      const z = xz.add(hz).sigmoid();
      const candidate = xn.add(xr.add(hr).sigmoid().mul(hn)).tanh();
      return [candidate.add(z.mul(h!.sub(candidate)))];
    },
  });
}

interface Cell {
  readonly gates: number;
  /** The number of arrays [rows, units] that are passed from time to time; the first is the output. */
  readonly numStates: number;
  /** (states, the inputs' part of the gates, the function of the state's part) → the next states. */
  step(states: readonly Tensor[], x: Tensor, product: (h: Tensor) => Tensor): Tensor[];
}

function recurrent(
  kind: string,
  units: number,
  options: RecurrentOptions,
  cell: Cell,
): Layer<RecurrentParams, Empty> {
  const { layers = 1, bidirectional = false, output = 'sequence', dropout = 0 } = options;
  requireRate(kind, dropout);
  const directions = bidirectional ? 2 : 1;
  return checkedLayer({
    kind,
    init(key, input) {
      requireSequence(kind, input);
      const params = Array.from({ length: layers }, (_, layer) =>
        Array.from({ length: directions }, (_, direction) => {
          const features = layer === 0 ? input[1]! : units * directions;
          const own = foldIn(foldIn(key, layer), direction);
          return initCell(own, features, units, cell.gates, options);
        }),
      );
      const width = units * directions;
      return { params, state: {}, output: output === 'last' ? [width] : [input[0]!, width] };
    },
    apply(params, state, x, { training, key } = { training: false }) {
      requireSequence(kind, x.shape.slice(1));
      let y = x;
      for (const [layer, ofDirections] of params.entries()) {
        const drops = training && layer > 0 && dropout > 0;
        const from = drops ? dropped(y, dropout, foldIn(requireContext(kind, 'key', key), layer)) : y;
        const isLast = output === 'last' && layer === layers - 1;
        const runs = ofDirections.map((own, i) => run(cell, own, from, i === 1, isLast));
        y = runs.length === 1 ? runs[0]! : concatenate(runs, -1);
      }
      return [y, state];
    },
  });
}

function initCell(
  key: Tensor,
  features: number,
  units: number,
  gates: number,
  {
    bias = true,
    init = uniform(-1 / Math.sqrt(units), 1 / Math.sqrt(units)),
    recurrentInit = init,
  }: RecurrentOptions,
): CellParams {
  const width = gates * units;
  const kernel = init(foldIn(key, 'kernel'), [features, width]);
  const recurrent = recurrentInit(foldIn(key, 'recurrent'), [units, width]);
  if (!bias) return { kernel, recurrent };
  const offset = (name: string, fans: Shape): Tensor => init(foldIn(key, name), [width], fans);
  return {
    kernel,
    recurrent,
    inputBias: offset('inputBias', kernel.shape),
    recurrentBias: offset('recurrentBias', recurrent.shape),
  };
}

/** One direction: [rows, time, features] → [rows, time, units], or only the output of the last step. */
function run(cell: Cell, params: CellParams, x: Tensor, isBackward: boolean, lastAlone: boolean): Tensor {
  const [rows, time] = x.shape as [number, number, number];
  const { kernel, recurrent: weights, inputBias, recurrentBias } = params;
  const inputs = unstack(addBias(x.matmul(kernel), inputBias), 1);
  const product = (h: Tensor): Tensor => addBias(h.matmul(weights), recurrentBias);
  const initial = zeros([rows, weights.shape[0]!], x.dtype);
  let states: readonly Tensor[] = Array.from({ length: cell.numStates }, () => initial);
  const outputs = new Array<Tensor>(time);
  for (let i = 0; i < time; i++) {
    const t = isBackward ? time - 1 - i : i;
    states = cell.step(states, inputs[t]!, product);
    outputs[t] = states[0]!;
  }
  return lastAlone ? states[0]! : stack(outputs, 1);
}
