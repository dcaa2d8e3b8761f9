/**
 * Losses and metrics: one value a sample, [rows]. The trainer weights them, sums them over all shards and divides
 * once; a mean taken here would be an average of averages.
 */
import { logicalAnd, logSoftmax, oneHot, stopGradient, type Tensor, where } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { formatShape, type Shape, sameShape } from '@lockstep/tensor';

/** What a model predicts and what was to be predicted → one value a sample. [rows, ..], [rows, ..] → [rows] */
export type Loss = (prediction: Tensor, target: Tensor) => Tensor;
export type Metric = Loss;

/**
 * −log softmax(logits)[label]: logits [rows, classes], labels int32 [rows]. A label that names no class makes its
 * loss NaN, since a traced program cannot throw.
 */
export const softmaxCrossEntropy = (): Loss => (logits, labels) => {
  requireClasses('softmaxCrossEntropy', logits, labels);
  const classes = logits.shape[1]!;
  const chosen = oneHot(labels, classes, logits.dtype === 'float64' ? 'float64' : 'float32');
  const loss = logSoftmax(logits).mul(chosen).sum(1).neg();
  return where(logicalAnd(labels.greaterEqual(0), labels.less(classes)), loss, Number.NaN);
};

/** The mean of (prediction − target)² over all axes but the first. */
export const meanSquaredError = (): Loss => (prediction, target) =>
  meanOfRow(prediction.sub(alike('meanSquaredError', prediction, target)).square());

/**
 * −t·log σ(z) − (1 − t)·log(1 − σ(z)) for logits z and targets t in [0, 1], its mean over all axes but the first.
 */
export const binaryCrossEntropy = (): Loss => (logits, target) => {
  const t = alike('binaryCrossEntropy', logits, target);
  // log(1 + eᶻ) shifted by max(z, 0), so that nothing overflows; as a constant, the shift has no kink to differentiate.
  const shift = stopGradient(logits.maximum(0));
  const softplus = logits.sub(shift).exp().add(shift.neg().exp()).log().add(shift);
  return meanOfRow(softplus.sub(logits.mul(t)));
};

/** 1 where the largest logit is the label's, else 0: logits [rows, classes], labels int32 [rows] → float32 [rows]. */
export const accuracy: Metric = (logits, labels) => {
  requireClasses('accuracy', logits, labels);
  return logits.argmax(1).equal(labels).cast('float32');
};

function meanOfRow(values: Tensor): Tensor {
  const axes = values.shape.map((_, axis) => axis).slice(1);
  return axes.length === 0 ? values : values.mean(axes);
}

/** The target in the prediction's type and shape. [rows] and [rows, 1] may meet; nothing else is stretched. */
function alike(loss: string, prediction: Tensor, target: Tensor): Tensor {
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

function requireClasses(loss: string, logits: Tensor, labels: Tensor): void {
  const [rows] = logits.shape;
  if (logits.rank === 2 && labels.rank === 1 && labels.shape[0] === rows) return;
  throw new LockstepError(
    'shape',
    `${loss}: takes logits [rows, classes] and labels [rows], not ${formatShape(logits.shape)} and ${formatShape(labels.shape)}; is a flatten missing before the last layer?`,
    { loss, logits: logits.shape, labels: labels.shape },
  );
}
