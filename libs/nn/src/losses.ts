/** Losses of numbers: regression, yes-or-no labels, distributions. */
import { abs, exp, log, relu, softplus, sqrt, type Tensor, tensor, where } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { alike, type Loss, meanOfRow, requirePositive, sumOfRow } from './loss.ts';

/** The mean of (prediction − target)² over all axes but the first. */
export const meanSquaredError = (): Loss => (prediction, target) =>
  meanOfRow(prediction.sub(alike('meanSquaredError', prediction, target)).square());

/** The mean of |prediction − target| over all axes but the first; a loss, PyTorch's L1Loss, and a metric. */
export const meanAbsoluteError = (): Loss => (prediction, target) =>
  meanOfRow(abs(prediction.sub(alike('meanAbsoluteError', prediction, target))));

/** d²/2 for |d| ≤ δ, else δ·(|d| − δ/2), of the differences d (Huber, 1964); its mean over all axes but the first. */
export function huber(delta = 1): Loss {
  requirePositive('huber', 'delta', delta);
  return (prediction, target) => {
    const d = prediction.sub(alike('huber', prediction, target));
    const size = abs(d);
    const far = size.sub(delta / 2).mul(delta);
    return meanOfRow(where(size.lessEqual(delta), d.square().mul(0.5), far));
  };
}

/** {@link huber} divided by β: slope 1 far away (Girshick, 2015). */
export function smoothL1(beta = 1): Loss {
  requirePositive('smoothL1', 'beta', beta);
  const loss = huber(beta);
  return (prediction, target) => loss(prediction, target).div(beta);
}

export interface BinaryCrossEntropyOptions {
  /** How much a target of 1 counts against one of 0: a number, or one for each place of the last axis. Default 1. */
  readonly posWeight?: number | readonly number[];
}

/**
 * −p·t·log σ(z) − (1 − t)·log(1 − σ(z)) for logits z, targets t in [0, 1] and weight p of the ones, its mean over all
 * axes but the first.
 */
export const binaryCrossEntropy =
  ({ posWeight = 1 }: BinaryCrossEntropyOptions = {}): Loss =>
  (logits, target) => {
    const t = alike('binaryCrossEntropy', logits, target);
    if (posWeight === 1) return meanOfRow(softplus(logits).sub(logits.mul(t)));
    const ones = typeof posWeight === 'number' ? posWeight : tensor(posWeight, { dtype: logits.dtype });
    const yes = softplus(logits.neg()).mul(t).mul(ones);
    return meanOfRow(yes.add(softplus(logits).mul(t.neg().add(1))));
  };

export interface KlDivergenceOptions {
  /** The targets are logarithms too. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Σ t·(log t − x) over all axes but the first, for logarithms of probabilities x and probabilities t: what PyTorch calls
 * 'batchmean'. A target of 0 adds 0.
 */
export const klDivergence =
  ({ logTarget = false }: KlDivergenceOptions = {}): Loss =>
  (logs, target) => {
    const t = alike('klDivergence', logs, target);
    if (logTarget) return sumOfRow(exp(t).mul(t.sub(logs)));
    const isSome = t.greater(0);
    return sumOfRow(where(isSome, t.mul(log(where(isSome, t, 1)).sub(logs)), 0));
  };

/** max(0, margin − t·x) for targets t of −1 or 1, its mean over all axes but the first. */
export const hinge =
  (margin = 1): Loss =>
  (prediction, target) =>
    meanOfRow(
      relu(
        prediction
          .mul(alike('hinge', prediction, target))
          .neg()
          .add(margin),
      ),
    );

/** eˣ − t·x for logarithms x of expected counts and counts t, its mean over all axes but the first. */
export const poissonNegativeLogLikelihood = (): Loss => (prediction, target) =>
  meanOfRow(exp(prediction).sub(prediction.mul(alike('poissonNegativeLogLikelihood', prediction, target))));

/**
 * For pairs of vectors, [rows, 2, width] as `stack([a, b], 1)` gives, and targets [rows]: 1 − cos(a, b) for pairs that
 * belong together, 1, and max(0, cos(a, b) − margin) for those that do not, −1.
 */
export const cosineEmbedding =
  (margin = 0): Loss =>
  (pairs, target) => {
    const [a, b] = partsOf('cosineEmbedding', pairs, ['a', 'b']) as [Tensor, Tensor];
    const t = alike('cosineEmbedding', a.slice([0, 0], [a.shape[0]!, 1]), target).reshape([-1]);
    const squares = (x: Tensor): Tensor => x.square().sum(1).add(1e-12);
    const cosine = a
      .mul(b)
      .sum(1)
      .div(sqrt(squares(a).mul(squares(b))));
    return where(t.greater(0), cosine.neg().add(1), relu(cosine.sub(margin)));
  };

/**
 * max(0, ‖a − p‖ − ‖a − n‖ + margin) for triples of vectors, [rows, 3, width]: an anchor, one that belongs to it and one
 * that does not. The target is not looked at.
 */
export const tripletMargin =
  (margin = 1): Loss =>
  (triples) => {
    const [anchor, positive, negative] = partsOf('tripletMargin', triples, [
      'anchor',
      'positive',
      'negative',
    ]) as [Tensor, Tensor, Tensor];
    // PyTorch's distance: 1e-6 on each difference keeps the root's slope finite where two vectors are equal.
    const distance = (x: Tensor): Tensor => sqrt(anchor.sub(x).add(1e-6).square().sum(1));
    return relu(distance(positive).sub(distance(negative)).add(margin));
  };

/** x[:, i] for each name: [rows, names, width] → several [rows, width]. */
function partsOf(loss: string, x: Tensor, names: readonly string[]): Tensor[] {
  const [rows, count, width] = x.shape;
  if (x.rank !== 3 || count !== names.length) {
    throw new LockstepError(
      'shape',
      `${loss}: takes [rows, ${names.length}, width] with ${names.join(', ')} along axis 1, not ${formatShape(x.shape)}; join them with stack([${names.join(', ')}], 1)`,
      { loss, shape: x.shape },
    );
  }
  return names.map((_, i) => x.slice([0, i], [rows!, i + 1]).reshape([rows!, width!]));
}
