/** Models of layers as functions of a batch. */
import { keyTensor, ones, type Tensor, tensor } from '@lockstep/autodiff';
import type { Shape, Storage } from '@lockstep/tensor';
import { exportOnnx, type OnnxInput, type OnnxModel, type OnnxOptions } from './export.ts';

/** What a layer of @lockstep/nn is to this library. */
export interface LayerModel {
  readonly inputType?: OnnxInput['dtype'];
  init(key: Tensor, input: Shape): { readonly params: unknown; readonly state: unknown };
  apply(
    params: never,
    state: never,
    x: Tensor,
    context: { readonly training: boolean; readonly key: Tensor; readonly weights: Tensor },
  ): readonly [Tensor, unknown];
}

export interface Variables {
  readonly params: unknown;
  readonly state: unknown;
}

/** In evaluation nothing is drawn: any key does. */
const key = (): Tensor => keyTensor([0, 0]);

/** Parameters and state of a model before training: the form that trained ones have. `input` is the shape of one row. */
export function initialVariables(model: LayerModel, input: Shape): Variables {
  const { params, state } = model.init(key(), input);
  return { params, state };
}

/** Arrays of a file as tensors. */
export function tensorsOf(arrays: Readonly<Record<string, Storage>>): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { data, shape, dtype }]) => [name, tensor(data, { shape, dtype })]),
  );
}

export interface ModelExportOptions extends Omit<OnnxOptions, 'inputs' | 'outputs'> {
  /** Of one row; the default of `dtype` is what the model takes, float32 for most. */
  readonly input: { readonly dtype?: OnnxInput['dtype']; readonly shape: Shape };
}

/** The ONNX model of layers in evaluation: input `x` ['batch', ..], output `output` ['batch', ..]. */
export function exportModel(
  model: LayerModel,
  { params, state }: Variables,
  { input, ...options }: ModelExportOptions,
): OnnxModel {
  const apply = (x: Tensor): Tensor => {
    const context = { training: false, key: key(), weights: ones([x.shape[0]!]) };
    return model.apply(params as never, state as never, x, context)[0];
  };
  const { dtype = model.inputType ?? 'float32', shape } = input;
  return exportOnnx(apply, { ...options, inputs: [{ name: 'x', dtype, shape: ['batch', ...shape] }] });
}
