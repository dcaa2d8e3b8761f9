/** Losses of classifiers, whose labels are class numbers. */
import { logicalAnd, logSoftmax, oneHot, type Tensor, tensor, where } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { type Loss, requireClasses } from './loss.ts';

export interface ClassOptions {
  /** How much each class counts: the loss of a label is multiplied by its class's weight. [classes] */
  readonly classWeights?: readonly number[];
  /** A label that does not count, such as that of padding; it may lie outside the classes. */
  readonly ignoreIndex?: number;
  /** How the labels of one sample become its value, where it has several. Default 'mean', over those that count. */
  readonly reduction?: 'mean' | 'sum';
}

export interface CrossEntropyOptions extends ClassOptions {
  /** The part of each label that is spread over all classes (Szegedy et al., 2016). Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * −log softmax(logits)[label]: logits [rows, classes], labels int32 [rows]. With further axes, as the tokens of a text
 * have, [rows, .., classes] and [rows, ..]: the mean over the sample's own labels, so that every sample counts alike,
 * however many of its labels are ignored; one without any that count has loss 0. Labels that are floats of the logits'
 * shape are probabilities of the classes.
 *
 * Class weights multiply and divide nothing: PyTorch's mean divides by the sum of the batch's weights, ours by the
 * number of samples (of labels, within a sample). The two are proportional within a batch; weights with a mean of 1
 * over the data keep the loss's scale.
 *
 * A label that names no class makes its loss NaN, since a traced program cannot throw.
 */
export function softmaxCrossEntropy(options: CrossEntropyOptions = {}): Loss {
  const { labelSmoothing: smoothing = 0 } = options;
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw new LockstepError(
      'argument',
      `softmaxCrossEntropy: labelSmoothing is ${smoothing}; it is a part of the label, from 0 to 1`,
      { labelSmoothing: smoothing },
    );
  }
  return (logits, labels) =>
    labels.dtype === logits.dtype && sameShape(labels.shape, logits.shape)
      ? ofProbabilities(logits, labels, smoothing, options)
      : ofLabels('softmaxCrossEntropy', logSoftmax(logits), labels, smoothing, options);
}

/** −x[label] for logarithms of probabilities x, as logSoftmax gives; otherwise {@link softmaxCrossEntropy}. */
export const negativeLogLikelihood =
  (options: ClassOptions = {}): Loss =>
  (logProbabilities, labels) =>
    ofLabels('negativeLogLikelihood', logProbabilities, labels, 0, options);

function ofLabels(
  loss: string,
  logs: Tensor,
  labels: Tensor,
  smoothing: number,
  options: ClassOptions,
): Tensor {
  requireClasses(loss, logs, labels);
  const { ignoreIndex } = options;
  const classes = logs.shape.at(-1)!;
  const chosen = oneHot(labels, classes, logs.dtype === 'float64' ? 'float64' : 'float32');
  const weights = weightsOf(loss, options, logs);
  // Selected, not multiplied: the logarithm of a class that cannot be is −∞.
  const own = where(chosen.greater(0), weights === undefined ? logs : logs.mul(weights), 0).sum(-1);
  const spread = (weights === undefined ? logs : logs.mul(weights)).sum(-1);
  const value = smoothing === 0 ? own.neg() : own.mul(smoothing - 1).sub(spread.mul(smoothing / classes));
  const isClass = logicalAnd(labels.greaterEqual(0), labels.less(classes));
  const checked = where(isClass, value, Number.NaN);
  if (ignoreIndex === undefined) return reduced(checked, undefined, options);
  const counts = labels.notEqual(ignoreIndex);
  return reduced(where(counts, checked, 0), counts.cast(logs.dtype), options);
}

function ofProbabilities(
  logits: Tensor,
  target: Tensor,
  smoothing: number,
  options: CrossEntropyOptions,
): Tensor {
  const weights = weightsOf('softmaxCrossEntropy', options, logits);
  const smooth = smoothing === 0 ? target : target.mul(1 - smoothing).add(smoothing / logits.shape.at(-1)!);
  const logs = logSoftmax(logits);
  const value = smooth
    .mul(weights === undefined ? logs : logs.mul(weights))
    .sum(-1)
    .neg();
  return reduced(value, undefined, options);
}

/** One value a sample of one a label; `counts` is 0 for labels that are left out. */
function reduced(values: Tensor, counts: Tensor | undefined, { reduction = 'mean' }: ClassOptions): Tensor {
  if (values.rank === 1) return values;
  const flat = (x: Tensor): Tensor => x.reshape([x.shape[0]!, -1]);
  const total = flat(values).sum(1);
  if (reduction === 'sum') return total;
  if (counts === undefined) return total.mul(values.shape[0]! / values.size);
  return total.div(flat(counts).sum(1).maximum(1));
}

function weightsOf(
  loss: string,
  { classWeights }: ClassOptions,
  { shape, dtype }: Tensor,
): Tensor | undefined {
  if (classWeights === undefined) return undefined;
  if (classWeights.length === shape.at(-1) && classWeights.every((weight) => weight >= 0))
    return tensor(classWeights, { dtype });
  throw new LockstepError(
    'argument',
    `${loss}: classWeights has ${classWeights.length} values, ${classWeights.join(', ')}, for logits ${formatShape(shape)}; give one number ≥ 0 for each class`,
    { loss, classWeights, shape },
  );
}
