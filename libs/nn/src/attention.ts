/** Attention: every place of a sequence reads from all places, weighted by how well its query matches their keys. */

import { arange, foldIn, type Tensor, where } from '@lockstep/autodiff';
import {
  aBoolean,
  aFunction,
  aNumber,
  anObject,
  LockstepError,
  type Rules,
  signature,
  whole,
} from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { addBias, initKernel, type KernelOptions, type KernelParams, kernelRules } from './dense.ts';
import { dropped, requireRate } from './dropout.ts';
import { xavierUniform } from './initializers.ts';
import { aTensor } from './kinds.ts';
import { checkedLayer, type Empty, type Layer, requireContext } from './layer.ts';
import { requireSequence } from './require.ts';

export interface AttentionOptions {
  /** Whether each place reads only from itself and earlier places. Default false. */
  readonly causal?: boolean;
  /**
   * bool, true where a query may read from a key; broadcasts to [.., queries, keys]. The result of a query that may
   * read no key is 0.
   */
  readonly mask?: Tensor;
  /** A function of the attention weights, such as dropout. */
  readonly onWeights?: (weights: Tensor) => Tensor;
}

export const attentionRules: Rules<AttentionOptions> = {
  causal: aBoolean,
  mask: aTensor,
  onWeights: aFunction,
};

const checkAttention = signature('attention', { q: aTensor, k: aTensor, v: aTensor }, attentionRules);

/**
 * softmax(q·kᵀ/√d)·v (Vaswani et al., 2017): q [.., queries, d], k [.., keys, d], v [.., keys, n] → [.., queries, n].
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  checkAttention(q, k, v, options);
  const { causal = false, mask, onWeights = (weights) => weights } = options;
  const [numQueries, numKeys] = [q.shape.at(-2), k.shape.at(-2)];
  if (q.rank < 2 || q.shape.at(-1) !== k.shape.at(-1) || numKeys !== v.shape.at(-2)) {
    throw new LockstepError(
      'shape',
      `attention: takes queries [.., queries, d], keys [.., keys, d] and values [.., keys, n], not ${[q, k, v].map(({ shape }) => formatShape(shape)).join(', ')}`,
      { q: q.shape, k: k.shape, v: v.shape },
    );
  }
  if (causal && numQueries !== numKeys) {
    throw new LockstepError(
      'shape',
      `attention: causal needs as many queries as keys, not ${numQueries} and ${numKeys}; say with a mask which keys a query may read`,
      { q: q.shape, k: k.shape },
    );
  }
  const scores = q.mul(1 / Math.sqrt(q.shape.at(-1)!)).matmul(k, { transposeB: true });
  const allowed = [...(causal ? [notAfter(numKeys!)] : []), ...(mask === undefined ? [] : [mask])];
  // Far below any score, but finite: the softmax of a row of −∞ would be NaN.
  const masked = allowed.reduce((x, may) => where(may, x, -1e30), scores);
  const shares = masked.softmax(-1);
  // A causal query reads at least from itself, so keys that it may not read get a weight of exactly 0.
  const weights = mask === undefined ? shares : allowed.reduce((x, may) => where(may, x, 0), shares);
  return onWeights(weights).matmul(v);
}

/** [places, places]: true where the second place is not after the first. */
const notAfter = (places: number): Tensor =>
  arange(places, 'int32').reshape([places, 1]).greaterEqual(arange(places, 'int32'));

export type MultiHeadAttentionParams = {
  readonly query: KernelParams;
  readonly key: KernelParams;
  readonly value: KernelParams;
  readonly output: KernelParams;
};

export interface MultiHeadAttentionOptions extends KernelOptions {
  /** See {@link AttentionOptions}. */
  readonly causal?: boolean;
  /** Dropout rate of the attention weights, in training. Default 0. */
  readonly dropout?: number;
  /** Features of the memory that `attend` gets. Default: the features of the queries. */
  readonly memoryFeatures?: number;
}

export const multiHeadAttentionRules: Rules<MultiHeadAttentionOptions> = {
  ...kernelRules,
  causal: aBoolean,
  dropout: aNumber,
  memoryFeatures: whole(1),
};

export interface AttendOptions {
  /** The source of keys and values, for cross-attention. [rows, keys, features]; default: the queries. */
  readonly memory?: Tensor;
  /**
   * bool, true for keys that may be read, for example all that are not padding: [rows, keys] or [rows, queries,
   * keys].
   */
  readonly mask?: Tensor;
  /** Key and training flag of a layer's context, for dropout. Without a key there is no dropout. */
  readonly training?: boolean;
  readonly key?: Tensor;
}

export const attendRules: Rules<AttendOptions> = {
  memory: aTensor,
  mask: aTensor,
  training: aBoolean,
  key: aTensor,
};

const checkAttend = signature(
  'attend',
  { params: { ...anObject, what: 'the parameters, as init gives them' }, x: aTensor },
  attendRules,
);

export interface MultiHeadAttention extends Layer<MultiHeadAttentionParams, Empty> {
  /** Like `apply`, with a mask or other keys and values; for models that are functions. */
  attend(params: MultiHeadAttentionParams, x: Tensor, options?: AttendOptions): Tensor;
}

const checkMultiHeadAttention = signature(
  'multiHeadAttention',
  { width: whole(1), heads: whole(1) },
  multiHeadAttentionRules,
);

/**
 * Self-attention of `heads` parallel heads, each of width/heads features: [rows, time, features] → [rows, time,
 * width]. Kernels are drawn by {@link xavierUniform}, as is usual; biases are 0.
 */
export function multiHeadAttention(
  width: number,
  heads: number,
  given: MultiHeadAttentionOptions = {},
): MultiHeadAttention {
  checkMultiHeadAttention(width, heads, given);
  const { causal = false, dropout = 0, memoryFeatures, init = xavierUniform, ...kernels } = given;
  requireRate('multiHeadAttention', dropout);
  if (width % heads !== 0) {
    throw new LockstepError(
      'argument',
      `multiHeadAttention: a width of ${width} does not divide among ${heads} heads; choose a multiple`,
      { width, heads },
    );
  }
  const options = { ...kernels, init };

  function attend(params: MultiHeadAttentionParams, x: Tensor, given: AttendOptions = {}): Tensor {
    checkAttend(params, x, given);
    const { memory = x, mask, training = false, key } = given;
    for (const y of [x, memory]) requireSequence('multiHeadAttention', y.shape.slice(1));
    const q = splitHeads(projected(x, params.query), heads);
    const [k, v] = [params.key, params.value].map((own) => splitHeads(projected(memory, own), heads));
    const read = attention(q, k!, v!, {
      causal,
      ...(mask !== undefined && { mask: overHeads(mask, x, memory) }),
      ...(training && key !== undefined && { onWeights: (weights) => dropped(weights, dropout, key) }),
    });
    return projected(joinHeads(read), params.output);
  }

  return checkedLayer({
    kind: 'multiHeadAttention',
    init(key, input) {
      requireSequence('multiHeadAttention', input);
      const own = (name: string, from: number): KernelParams =>
        initKernel(foldIn(key, name), [from, width], options);
      const [time, features] = input as [number, number];
      return {
        params: {
          query: own('query', features),
          key: own('key', memoryFeatures ?? features),
          value: own('value', memoryFeatures ?? features),
          output: own('output', width),
        },
        state: {},
        output: [time, width],
      };
    },
    attend,
    apply(params, state, x, { training, key } = { training: false }) {
      const draws = training && dropout > 0;
      const options = draws ? { training, key: requireContext('multiHeadAttention', 'key', key) } : {};
      return [attend(params, x, options), state];
    },
  });
}

const projected = (x: Tensor, { kernel, bias }: KernelParams): Tensor => addBias(x.matmul(kernel), bias);

/** [rows, time, width] → [rows, heads, time, width/heads] */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [rows, time] = x.shape as [number, number];
  return x.reshape([rows, time, heads, -1]).transpose([0, 2, 1, 3]);
}

/** [rows, heads, time, n] → [rows, time, heads·n] */
function joinHeads(x: Tensor): Tensor {
  const [rows, , time] = x.shape as [number, number, number];
  return x.transpose([0, 2, 1, 3]).reshape([rows, time, -1]);
}

/** The mask with an axis for heads, and an axis for queries if it has none. */
function overHeads(mask: Tensor, x: Tensor, memory: Tensor): Tensor {
  const [[rows, numQueries], numKeys] = [x.shape as [number, number], memory.shape[1]!];
  const [first, ...rest] = mask.shape;
  const isMask = mask.dtype === 'bool' && first === rows && rest.at(-1) === numKeys;
  if (isMask && rest.length === 1) return mask.reshape([rows, 1, 1, numKeys]);
  if (isMask && rest.length === 2 && rest[0] === numQueries)
    return mask.reshape([rows, 1, numQueries, numKeys]);
  throw new LockstepError(
    'shape',
    `multiHeadAttention: takes a mask bool[${rows}, ${numKeys}] or bool[${rows}, ${numQueries}, ${numKeys}], true where a key may be read, not ${mask.dtype}${formatShape(mask.shape)}`,
    { mask: mask.shape, dtype: mask.dtype, rows, numQueries, numKeys },
  );
}
