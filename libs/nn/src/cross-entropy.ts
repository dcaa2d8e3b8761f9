/** Losses of classifiers, whose labels are class numbers. */
import { expm1, logSoftmax, oneHot, pow, type Tensor, tensor, where } from '@lockstep/autodiff';
import { aNumber, LockstepError, listOf, oneOf, type Rules, signature } from '@lockstep/errors';
import { formatShape, sameShape } from '@lockstep/tensor';
import { type Loss, orNaN, requireClasses, requireTensors } from './loss.ts';
import { requireNamed } from './named.ts';

export interface ClassOptions {
  /** Weights of the classes: the loss of a label is multiplied by its class's weight. Default: 1 each. [classes] */
  readonly classWeights?: readonly number[];
  /** A label that is ignored, such as that of padding; it may lie outside the classes. Default: none is ignored. */
  readonly ignoreIndex?: number;
  /** How several labels of one sample are reduced to one value. Default 'mean', over labels that are not ignored. */
  readonly reduction?: 'mean' | 'sum';
}

export const classRules: Rules<ClassOptions> = {
  classWeights: listOf(aNumber, 'a list of numbers'),
  ignoreIndex: aNumber,
  reduction: oneOf('mean', 'sum'),
};

export interface CrossEntropyOptions extends ClassOptions {
  /** The fraction of each label that is spread over all classes (Szegedy et al., 2016). Default 0. */
  readonly labelSmoothing?: number;
}

export const crossEntropyRules: Rules<CrossEntropyOptions> = { ...classRules, labelSmoothing: aNumber };

const checkSoftmaxCrossEntropy = signature('softmaxCrossEntropy', {}, crossEntropyRules);

/**
 * −log softmax(logits)[label]: logits [rows, classes], labels int32 [rows]. With further axes, such as the tokens of
 * a text, [rows, .., classes] and [rows, ..]: the mean over the sample's own labels. Every sample then counts alike,
 * however many of its labels are ignored; if all are ignored, the loss is 0. Float labels of the logits' shape are
 * probabilities of the classes.
 *
 * Class weights multiply and never divide: PyTorch's mean divides by the sum of the batch's weights, ours by the
 * number of samples (within a sample, of labels). The two are proportional within a batch; weights with a mean of 1
 * over the data keep the loss's scale.
 *
 * A label that names no class is an error; the trainer checks the labels of the data before a run. In a compiled
 * program outside the trainer, where labels have no values yet, it makes the loss NaN.
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

/** −x[label] for log-probabilities x, as logSoftmax gives them; otherwise like {@link softmaxCrossEntropy}. */
export function negativeLogLikelihood(options: ClassOptions = {}): Loss {
  checkNegativeLogLikelihood(options);
  return (logProbabilities, labels) =>
    ofLabels(logProbabilities, labels, options, { loss: 'negativeLogLikelihood' });
}

export interface FocalOptions extends ClassOptions {
  /**
   * γ: how strongly the loss of a label shrinks with the model's confidence in it. 0 gives the cross-entropy. Default
   * 2.
   */
  readonly gamma?: number;
}

export const focalRules: Rules<FocalOptions> = { ...classRules, gamma: aNumber };

const checkFocal = signature('focal', {}, focalRules);

/**
 * −(1 − p)^γ·log p for the softmax probability p of the label (Lin et al., 2017), whose α are the class weights;
 * otherwise like {@link softmaxCrossEntropy}.
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

/** The inputs of one label's loss. */
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
  // Selected, not multiplied: the logarithm of an impossible class is −∞.
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

/** Reduces values of labels to one value per sample; `counts` is 0 for ignored labels. */
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
