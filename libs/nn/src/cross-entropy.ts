/** Losses of classifiers, whose labels are class numbers. */
import { expm1, logSoftmax, oneHot, pow, type Tensor, tensor, where } from '@lockstep/autodiff';
import { aNumber, LockstepError, listOf, oneOf, type Rules, signature } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { type Loss, orNaN, requireClasses, requireTensors } from './loss.ts';
import { requireNamed } from './named.ts';

export interface ClassOptions {
  /** How much each class counts: the loss of a label is multiplied by its class's weight. Default: 1 each. [classes] */
  readonly classWeights?: readonly number[];
  /** A label that does not count, such as that of padding; it may lie outside the classes. Default: all count. */
  readonly ignoreIndex?: number;
  /** How the labels of one sample become its value, where it has several. Default 'mean', over those that count. */
  readonly reduction?: 'mean' | 'sum';
}

export const classRules: Rules<ClassOptions> = {
  classWeights: listOf(aNumber, 'a list of numbers'),
  ignoreIndex: aNumber,
  reduction: oneOf('mean', 'sum'),
};

export interface CrossEntropyOptions extends ClassOptions {
  /** The part of each label that is spread over all classes (Szegedy et al., 2016). Default 0. */
  readonly labelSmoothing?: number;
}

export const crossEntropyRules: Rules<CrossEntropyOptions> = { ...classRules, labelSmoothing: aNumber };

const checkSoftmaxCrossEntropy = signature('softmaxCrossEntropy', {}, crossEntropyRules);

/**
 * −log softmax(logits)[label]: logits [rows, classes], labels int32 [rows]. With further axes, as the tokens of a text
 * have, [rows, .., classes] and [rows, ..]: the mean over the sample's own labels, so that every sample counts alike,
 * however many of its labels are ignored; one without any that count has loss 0. Labels that are floats of the logits'
 * shape are probabilities of the classes.
 *
 * Class weights multiply, and divide nothing: PyTorch's mean divides by the sum of the batch's weights, ours by the
 * number of samples (of labels, within a sample). The two are proportional within a batch; weights with a mean of 1
 * over the data keep the loss's scale.
 *
 * A label that names no class is an error: a trainer finds it where data and model meet. In a compiled program of one's
 * own, where a label has no value yet, it makes its loss NaN.
 */
export function softmaxCrossEntropy(options: CrossEntropyOptions = {}): Loss {
  checkSoftmaxCrossEntropy(options);
  const { labelSmoothing: smoothing = 0 } = options;
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw new LockstepError(
      'argument',
      `softmaxCrossEntropy: labelSmoothing is ${smoothing}; it is a part of the label, from 0 to 1`,
      { labelSmoothing: smoothing },
    );
  }
  return (logits, labels) => {
    requireTensors('softmaxCrossEntropy', { logits, labels });
    return labels.dtype !== 'int32' && sameShape(labels.shape, logits.shape)
      ? ofProbabilities(logits, labels.cast(logits.dtype), smoothing, options)
      : ofLabels(logSoftmax(logits), labels, options, { loss: 'softmaxCrossEntropy', smoothing });
  };
}

const checkNegativeLogLikelihood = signature('negativeLogLikelihood', {}, classRules);

/** −x[label] for logarithms of probabilities x, as logSoftmax gives; otherwise {@link softmaxCrossEntropy}. */
export function negativeLogLikelihood(options: ClassOptions = {}): Loss {
  checkNegativeLogLikelihood(options);
  return (logProbabilities, labels) =>
    ofLabels(logProbabilities, labels, options, { loss: 'negativeLogLikelihood' });
}

export interface FocalOptions extends ClassOptions {
  /** How much less a label counts the surer the model is of it; 0 is the cross-entropy. Default 2. */
  readonly gamma?: number;
}

export const focalRules: Rules<FocalOptions> = { ...classRules, gamma: aNumber };

const checkFocal = signature('focal', {}, focalRules);

/**
 * −(1 − p)^γ·log p for the softmax's share p of the label (Lin et al., 2017), whose α are the class weights; otherwise
 * {@link softmaxCrossEntropy}.
 */
export function focal(given: FocalOptions = {}): Loss {
  checkFocal(given);
  const { gamma = 2, ...options } = given;
  if (!(gamma >= 0 && Number.isFinite(gamma))) {
    throw new LockstepError('argument', `focal: gamma is ${gamma}; it must be a finite number ≥ 0`, {
      gamma,
    });
  }
  return (logits, labels) => ofLabels(logSoftmax(logits), labels, options, { loss: 'focal', focus: gamma });
}

/** What one label's value is made of. */
interface LabelRule {
  readonly loss: string;
  readonly smoothing?: number;
  /** Focal loss's γ. */
  readonly focus?: number;
}

function ofLabels(
  logs: Tensor,
  labels: Tensor,
  options: ClassOptions,
  { loss, smoothing = 0, focus = 0 }: LabelRule,
): Tensor {
  requireClasses(loss, logs, labels);
  const classes = logs.shape.at(-1)!;
  requireNamed({ owner: loss, kind: 'label', numbers: labels, count: classes, ignored: options.ignoreIndex });
  const weights = weightsOf(loss, options, logs);
  const weighted = (x: Tensor): Tensor => (weights === undefined ? x : x.mul(weights));
  const isOwn = oneHot(labels, classes).greater(0);
  // Selected, not multiplied: the logarithm of a class that cannot be is −∞.
  const ofOwn = (x: Tensor): Tensor => where(isOwn, x, 0).sum(-1);
  const own = ofOwn(weighted(logs));
  const spread = (): Tensor =>
    weighted(logs)
      .sum(-1)
      .mul(smoothing / classes);
  const plain = smoothing === 0 ? own : own.mul(1 - smoothing).add(spread());
  const value = focus === 0 ? plain : plain.mul(pow(expm1(ofOwn(logs)).neg(), focus));
  const checked = orNaN(value.neg(), labels, classes);
  if (options.ignoreIndex === undefined) return reduced(checked, undefined, options);
  const counts = labels.notEqual(options.ignoreIndex);
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
