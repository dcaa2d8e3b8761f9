/** Exports models of layers, as functions of a batch. */

import { keyTensor, kinds, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { type Kind, nestedOptions, type Rules, recordOf, required, signature } from '@lockstep/errors';
import type { Shape, Storage } from '@lockstep/tensor';
import { exportOnnx, graphRules, type OnnxInput, type OnnxModel, type OnnxOptions } from './export.ts';

/** The part of a layer of @lockstep/nn that the export needs. */
export interface LayerModel {
  readonly inputType?: OnnxInput['dtype'];
  init(key: Tensor, input: Shape): { readonly params: unknown; readonly state: unknown };
  apply(
    params: unknown,
    state: unknown,
    x: Tensor,
    context: { readonly training: boolean; readonly key: Tensor; readonly weights: Tensor },
  ): readonly [Tensor, unknown];
}

export interface Variables {
  readonly params: unknown;
  readonly state: unknown;
}

/** An arbitrary key, since evaluation draws no random numbers. */
const key = (): Tensor => keyTensor([0, 0]);

/**
 * Parameters and state of a model before training; trained variables have the same structure. `input` is the shape of
 * one row.
 */
export function initialVariables(model: LayerModel, input: Shape): Variables {
  const { params, state } = model.init(key(), input);
  return { params, state };
}

const someArrays = recordOf(
  {
    what: 'an array',
    fits: (value) =>
      typeof value === 'object' && value !== null && ArrayBuffer.isView((value as Partial<Storage>).data),
  },
  'an object of arrays by name, as readArrays gives it',
);
const checkTensorsOf = signature('tensorsOf', { arrays: someArrays });

/** Converts arrays of a file to tensors. */
export function tensorsOf(arrays: Readonly<Record<string, Storage>>): Readonly<Record<string, Tensor>> {
  checkTensorsOf(arrays);
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { data, shape, dtype }]) => [name, tensor(data, { shape, dtype })]),
  );
}

export interface ModelExportOptions extends Omit<OnnxOptions, 'inputs' | 'outputs'> {
  /** The form of one row. The default of `dtype` is the type that the model takes, float32 for most models. */
  readonly input: { readonly dtype?: OnnxInput['dtype']; readonly shape: Shape };
}

const aModel: Kind = {
  what: 'a layer such as sequential(dense(16), relu)',
  fits: (value) =>
    typeof value === 'object' && value !== null && typeof (value as Partial<LayerModel>).apply === 'function',
};

const modelRules: Rules<ModelExportOptions> = {
  input: required(nestedOptions({ dtype: kinds.aDType, shape: required(kinds.aShape) })),
  ...graphRules,
};

/** Further properties are allowed, since the result of a layer's `init` has more. */
const someVariables: Kind = {
  what: 'an object of params and state, as init of the model gives it',
  fits: (value) => typeof value === 'object' && value !== null && 'params' in value && 'state' in value,
};

const checkExport = signature('exportModel', { model: aModel, variables: someVariables }, modelRules);

/** The ONNX model of layers in evaluation mode, with input `x` ['batch', ..] and output `output` ['batch', ..]. */
export function exportModel(model: LayerModel, variables: Variables, given: ModelExportOptions): OnnxModel {
  checkExport(model, variables, given);
  const { params, state } = variables;
  const { input, ...options } = given;
  const apply = (x: Tensor): Tensor => {
    const context = { training: false, key: key(), weights: ones([x.shape[0]!]) };
    return model.apply(params, state, x, context)[0];
  };
  const { dtype = model.inputType ?? 'float32', shape } = input;
  return exportOnnx(apply, { ...options, inputs: [{ name: 'x', dtype, shape: ['batch', ...shape] }] });
}
