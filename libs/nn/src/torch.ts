/**
 * Converts parameters of PyTorch modules to those of our layers. A module is given by its state dict, for example
 * from a safetensors file, and its name there; tensors are transposed from PyTorch's layouts (channels first, [out,
 * in]).
 */
import type { Tensor } from '@lockstep/autodiff';
import { aString, LockstepError, recordOf, signature } from '@lockstep/errors';
import { formatShape, type Shape, sizeOf } from '@lockstep/tensor';
import type { MultiHeadAttentionParams } from './attention.ts';
import type { BatchNormParams, BatchNormState } from './batch-norm.ts';
import type { KernelParams } from './dense.ts';
import type { EmbeddingParams } from './embedding.ts';
import { aShape, aTensor } from './kinds.ts';
import type { NormParams } from './normalization.ts';
import type { CellParams, RecurrentParams } from './recurrent.ts';

/** Tensors by PyTorch's names, such as `encoder.layers.0.linear1.weight`. */
export type StateDict = Readonly<Record<string, Tensor>>;

/** The tensors of one module. */
interface Module {
  has(name: string): boolean;
  /** The tensor of a name with the given number of axes. */
  get(name: string, rank: number): Tensor;
}

const checkModule = signature('fromTorch', {
  state: recordOf(aTensor, 'a state dict, an object of tensors by name'),
  name: aString,
  'flattened?': aShape,
});

function moduleOf(state: StateDict, path: string, flattened?: Shape): Module {
  checkModule(state, path, flattened);
  const prefix = path === '' ? '' : `${path}.`;
  return {
    has: (name) => Object.hasOwn(state, prefix + name),
    get(name, rank) {
      const full = prefix + name;
      const found = state[full];
      if (found?.rank === rank) return found;
      const held = Object.keys(state).filter((key) => key.startsWith(prefix));
      throw new LockstepError(
        'argument',
        found === undefined
          ? `fromTorch: the state dict has no '${full}'; below '${prefix}' it has ${held.join(', ') || 'nothing'}`
          : `fromTorch: '${full}' has the shape ${formatShape(found.shape)}, not ${rank} axes; is the module of another kind?`,
        { name: full, held },
      );
    },
  };
}

/** A kernel and the module's bias, if it has one. */
const withBias = (kernel: Tensor, module: Module): KernelParams =>
  module.has('bias') ? { kernel, bias: module.get('bias', 1) } : { kernel };

/** A kernel from a weight whose axes are put in the order `axes`. */
const kernelIn =
  (axes: readonly number[]) =>
  (state: StateDict, name: string): KernelParams => {
    const module = moduleOf(state, name);
    return withBias(module.get('weight', axes.length).transpose(axes), module);
  };

/**
 * nn.Linear as `dense`. After a Flatten of images, give the images' shape [C, H, W]: PyTorch flattens channels first
 * and Lockstep channels last, so the order of inputs differs.
 */
function linear(state: StateDict, name: string, flattened?: Shape): KernelParams {
  const module = moduleOf(state, name, flattened);
  const weight = module.get('weight', 2);
  if (flattened === undefined) return withBias(weight.transpose(), module);
  const [numOut, numIn] = weight.shape as [number, number];
  if (flattened.length !== 3 || sizeOf(flattened) !== numIn) {
    throw new LockstepError(
      'shape',
      `fromTorch: images of shape ${formatShape(flattened)} do not flatten to the ${numIn} inputs of '${name}'; give [C, H, W]`,
      { name, flattened, numIn },
    );
  }
  const images = weight.reshape([numOut, ...flattened]).transpose([2, 3, 1, 0]);
  return withBias(images.reshape([numIn, numOut]), module);
}

/** nn.LayerNorm, GroupNorm, InstanceNorm (affine) and RMSNorm. */
function norm(state: StateDict, name: string): NormParams {
  const module = moduleOf(state, name);
  const { rank } = state[name === '' ? 'weight' : `${name}.weight`] ?? { rank: 1 };
  const gamma = module.get('weight', rank);
  return module.has('bias') ? { gamma, beta: module.get('bias', rank) } : { gamma };
}

/** nn.BatchNorm1d and 2d. */
function batchNorm(state: StateDict, name: string): { params: BatchNormParams; state: BatchNormState } {
  const module = moduleOf(state, name);
  return {
    params: { gamma: module.get('weight', 1), beta: module.get('bias', 1) },
    state: { mean: module.get('running_mean', 1), variance: module.get('running_var', 1) },
  };
}

/** nn.RNN, LSTM and GRU with any number of layers and directions. */
function recurrent(state: StateDict, name: string): RecurrentParams {
  const module = moduleOf(state, name);
  const layers: CellParams[][] = [];
  for (let layer = 0; layer === 0 || module.has(`weight_ih_l${layer}`); layer++) {
    const endings = [`l${layer}`, `l${layer}_reverse`].filter(
      (ending, direction) => direction === 0 || module.has(`weight_ih_${ending}`),
    );
    layers.push(endings.map((ending) => cell(module, ending)));
  }
  return layers;
}

function cell(module: Module, ending: string): CellParams {
  const kernel = module.get(`weight_ih_${ending}`, 2).transpose();
  const recurrent = module.get(`weight_hh_${ending}`, 2).transpose();
  if (!module.has(`bias_ih_${ending}`)) return { kernel, recurrent };
  const [inputBias, recurrentBias] = ['ih', 'hh'].map((from) => module.get(`bias_${from}_${ending}`, 1));
  return { kernel, recurrent, inputBias: inputBias!, recurrentBias: recurrentBias! };
}

/** nn.MultiheadAttention, whose keys and values have the queries' width or their own (kdim = vdim). */
function attention(state: StateDict, name: string): MultiHeadAttentionParams {
  const module = moduleOf(state, name);
  const names = ['q', 'k', 'v'] as const;
  const weights = module.has('in_proj_weight')
    ? thirds(module.get('in_proj_weight', 2))
    : names.map((own) => module.get(`${own}_proj_weight`, 2));
  const biases = module.has('in_proj_bias') ? thirds(module.get('in_proj_bias', 1)) : [];
  const [query, key, value] = weights.map((weight, i): KernelParams => {
    const kernel = weight.transpose();
    return biases[i] === undefined ? { kernel } : { kernel, bias: biases[i] };
  }) as [KernelParams, KernelParams, KernelParams];
  return { query, key, value, output: linear(state, name === '' ? 'out_proj' : `${name}.out_proj`) };
}

/** Splits into three equal parts along the first axis. */
function thirds(x: Tensor): Tensor[] {
  const each = x.shape[0]! / 3;
  if (!Number.isInteger(each)) {
    throw new LockstepError(
      'shape',
      `fromTorch: packed projections of shape ${formatShape(x.shape)} are no three equal parts; is the module a MultiheadAttention?`,
      { shape: x.shape },
    );
  }
  return [0, 1, 2].map((i) => x.slice([i * each], [(i + 1) * each]));
}

/** nn.TransformerEncoderLayer with norm_first, as `transformerBlock`. */
function encoderLayer(state: StateDict, name: string) {
  checkModule(state, name);
  const own = (part: string): string => (name === '' ? part : `${name}.${part}`);
  return [
    [norm(state, own('norm1')), attention(state, own('self_attn')), {}],
    [norm(state, own('norm2')), linear(state, own('linear1')), {}, linear(state, own('linear2')), {}],
  ] as const;
}

/** Converters by PyTorch module. */
export const fromTorch = {
  linear,
  conv1d: kernelIn([2, 1, 0]),
  conv2d: kernelIn([2, 3, 1, 0]),
  convTranspose1d: kernelIn([2, 0, 1]),
  convTranspose2d: kernelIn([2, 3, 0, 1]),
  embedding: (state: StateDict, name: string): EmbeddingParams => ({
    table: moduleOf(state, name).get('weight', 2),
  }),
  norm,
  batchNorm,
  recurrent,
  attention,
  encoderLayer,
} as const;
