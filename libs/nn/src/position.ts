/** Encodings of the place in a sequence, which are added to every row. */
import { foldIn, type Tensor, tensor } from '@lockstep/autodiff';
import { aFunction, LockstepError, type Rules, signature, whole } from '@lockstep/errors';
import type { FloatDType, Shape } from '@lockstep/tensor';
import type { Initializer } from './fans.ts';
import { normal } from './initializers.ts';
import { checkedLayer, type Empty, type Layer, weightless } from './layer.ts';
import { requireSequence } from './require.ts';

/** One vector per place. [length, width] */
export type PositionParams = { readonly table: Tensor };

export interface PositionOptions {
  /** The table's initialiser. Default normal(0.02). */
  readonly init?: Initializer;
}

export const positionRules: Rules<PositionOptions> = { init: aFunction };

const checkPositionalEmbedding = signature('positionalEmbedding', { length: whole(1) }, positionRules);

/** Adds a trained vector for each place: [rows, time ≤ length, width] → the same. */
export function positionalEmbedding(
  length: number,
  options: PositionOptions = {},
): Layer<PositionParams, Empty> {
  checkPositionalEmbedding(length, options);
  const { init = normal(0.02) } = options;
  const checked = (input: Shape): Shape => {
    requireSequence('positionalEmbedding', input);
    if (input[0]! <= length) return input;
    throw new LockstepError(
      'shape',
      `positionalEmbedding: a sequence of ${input[0]} has places that the table of ${length} lacks; make it longer or cut the sequence`,
      { input, length },
    );
  };
  return checkedLayer({
    kind: 'positionalEmbedding',
    init: (key, input) => ({
      params: { table: init(foldIn(key, 'table'), [length, checked(input)[1]!], [input[1]!, length]) },
      state: {},
      output: input,
    }),
    apply({ table }, state, x) {
      const [time] = checked(x.shape.slice(1));
      return [x.add(time === length ? table : table.slice([0], [time!])), state];
    },
  });
}

/**
 * Adds sines and cosines of the place t: sin(t/10000^(2i/width)) at feature 2i, the cosine at 2i + 1 (Vaswani et al.,
 * 2017, section 3.5). [rows, time, width] → the same
 */
export const sinusoidalPositions = (): Layer<Empty, Empty> =>
  weightless('sinusoidalPositions', (x) => {
    requireSequence('sinusoidalPositions', x.shape.slice(1));
    return x.add(sinusoids(x.shape[1]!, x.shape[2]!, x.dtype === 'float64' ? 'float64' : 'float32'));
  });

/**
 * [time, width]. The values are constants of a program, so they are made of sums and products only, which all engines
 * round alike.
 */
function sinusoids(time: number, width: number, dtype: FloatDType): Tensor {
  const table = new Float64Array(time * width);
  for (let feature = 0; feature < width; feature += 2) {
    const rate = exponential((-feature / width) * ln10000);
    const [sine, cosine] = sineAndCosine(rate);
    // From place to place the angle grows by the rate, which is one rotation.
    let [s, c] = [0, 1];
    for (let t = 0; t < time; t++) {
      table[t * width + feature] = s;
      if (feature + 1 < width) table[t * width + feature + 1] = c;
      [s, c] = [s * cosine + c * sine, c * cosine - s * sine];
    }
  }
  return tensor(table, { shape: [time, width] }).cast(dtype);
}

const ln10000 = 9.210340371976184;
const ln2 = Math.LN2;

/** eˣ by Taylor's series, after halving often enough for |x| ≤ ln 2 / 2. */
function exponential(x: number): number {
  const twos = Math.round(x / ln2);
  const r = x - twos * ln2;
  let sum = 1;
  for (let n = 18; n >= 1; n--) sum = 1 + (sum * r) / n;
  for (let i = Math.abs(twos); i > 0; i--) sum = twos < 0 ? sum / 2 : sum * 2;
  return sum;
}

/** Sine and cosine of an angle in [0, 1], by Taylor's series. */
function sineAndCosine(angle: number): [number, number] {
  const square = angle * angle;
  let [sine, cosine] = [1, 1];
  for (let n = 20; n >= 2; n -= 2) {
    sine = 1 - (sine * square) / (n * (n + 1));
    cosine = 1 - (cosine * square) / (n * (n - 1));
  }
  return [angle * sine, cosine];
}
