/**
 * The interface of losses and their common checks. A loss gives one value per sample, [rows]: PyTorch's
 * reduction='none' after a reduction within the sample. The trainer weights the values, sums them over all shards of
 * the step and divides once by the number of samples; a mean in the loss would give an average of averages. So no
 * loss divides by anything that depends on other samples, such as the sum of their class weights.
 */
import { isNaN as isNotANumber, logicalAnd, stopGradient, type Tensor, where } from '@lockstep/autodiff';
import { checkValue, LockstepError } from '@lockstep/errors';
import { formatShape, isFloat, type Shape, sameShape } from '@lockstep/tensor';
import { aTensor } from './kinds.ts';

/** Predictions and targets → one value per sample. [rows, ..], [rows, ..] → [rows] */
export type Loss = (prediction: Tensor, target: Tensor) => Tensor;
export type Metric = Loss;

const rowAxes = ({ rank }: Tensor): number[] => Array.from({ length: rank }, (_, axis) => axis).slice(1);

/** The mean over all axes but the first. */
export const meanOfRow = (values: Tensor): Tensor =>
  values.rank === 1 ? values : values.mean(rowAxes(values));

/** The sum over all axes but the first. */
export const sumOfRow = (values: Tensor): Tensor =>
  values.rank === 1 ? values : values.sum(rowAxes(values));

/** Checks arguments: callers without types may pass arrays of numbers, or options instead of tensors. */
export function requireTensors(loss: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) checkValue(loss, name, value, aTensor);
}

/** The target in the prediction's type and shape. [rows] and [rows, 1] fit each other; nothing else is broadcast. */
export function alike(loss: string, prediction: Tensor, target: Tensor): Tensor {
  requireTensors(loss, { prediction, target });
  if (!isFloat(prediction.dtype)) {
    throw new LockstepError(
      'dtype',
      `${loss}: predictions are float32 or float64, not ${prediction.dtype}; convert with .cast('float32')`,
      { loss, prediction: prediction.dtype },
    );
  }
  const core = (shape: Shape): Shape => (shape.length === 2 && shape[1] === 1 ? shape.slice(0, 1) : shape);
  if (!sameShape(core(prediction.shape), core(target.shape))) {
    throw new LockstepError(
      'shape',
      `${loss}: predictions ${formatShape(prediction.shape)} and targets ${formatShape(target.shape)} differ in shape; give one target for each prediction`,
      { loss, prediction: prediction.shape, target: target.shape },
    );
  }
  return target.cast(prediction.dtype).reshape(prediction.shape);
}

/** prediction − target, with the type and shape of the prediction. */
export function differenceOf(loss: string, prediction: Tensor, target: Tensor): Tensor {
  const t = alike(loss, prediction, target);
  return prediction.sub(t);
}

/**
 * NaN where x is NaN, else 0, as a constant. Added to a value selected by x, it keeps a NaN of x that the selection
 * would drop.
 */
export const nanOf = (x: Tensor): Tensor => stopGradient(where(isNotANumber(x), x, 0));

/** Replaces values of labels that name no class by NaN, since a traced program cannot throw. */
export const orNaN = (values: Tensor, labels: Tensor, classes: number): Tensor =>
  where(logicalAnd(labels.greaterEqual(0), labels.less(classes)), values, Number.NaN);

export function requireClasses(loss: string, logits: Tensor, labels: Tensor): void {
  requireTensors(loss, { logits, labels });
  if (logits.rank < 2 || !sameShape(labels.shape, logits.shape.slice(0, -1))) {
    throw new LockstepError(
      'shape',
      `${loss}: takes logits [rows, .., classes] and labels [rows, ..], not ${formatShape(logits.shape)} and ${formatShape(labels.shape)}; is a flatten missing before the last layer?`,
      { loss, logits: logits.shape, labels: labels.shape },
    );
  }
  if (isFloat(labels.dtype)) {
    throw new LockstepError(
      'dtype',
      `${loss}: labels are numbers of classes, int32, not ${labels.dtype}; convert them with .cast('int32'), or where they are loaded with dtypes: { y: 'int32' }`,
      { loss, labels: labels.dtype },
    );
  }
}

export function requirePositive(loss: string, name: string, value: number): void {
  if (value > 0 && Number.isFinite(value)) return;
  throw new LockstepError('argument', `${loss}: ${name} is ${value}; it must be a finite number above 0`, {
    loss,
    name,
    value,
  });
}

/** x[:, i] for each name: [rows, names, ..] → one [rows, ..] per name. */
export function partsOf(loss: string, x: Tensor, names: readonly string[]): Tensor[] {
  requireTensors(loss, { prediction: x });
  const [rows, count, ...rest] = x.shape;
  if (count !== names.length) {
    throw new LockstepError(
      'shape',
      `${loss}: takes [rows, ${names.length}, ..] with ${names.join(', ')} along axis 1, not ${formatShape(x.shape)}; join them with stack([${names.join(', ')}], 1)`,
      { loss, shape: x.shape },
    );
  }
  return names.map((_, i) => x.slice([0, i], [rows!, i + 1]).reshape([rows!, ...rest]));
}
