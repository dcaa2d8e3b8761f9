/** Losses with a margin: of scores, classes, pairs and triples of vectors. */

import { oneHot, relu, softplus, sqrt, type Tensor, where } from '@lockstep/autodiff';
import { aNumber, signature } from '@lockstep/errors';
import { alike, type Loss, meanOfRow, nanOf, orNaN, partsOf, requireClasses } from './loss.ts';
import { requireNamed } from './named.ts';

const checkHinge = signature('hinge', { 'margin?': aNumber });

/** max(0, margin − t·x) for targets t of −1 or 1; the mean over all axes but the first. */
export function hinge(margin = 1): Loss {
  checkHinge(margin);
  return (prediction, target) => {
    const t = alike('hinge', prediction, target);
    return meanOfRow(relu(prediction.mul(t).neg().add(margin)));
  };
}

/** log(1 + e^(−t·x)) for targets t of −1 or 1, a smooth {@link hinge}; the mean over all axes but the first. */
export const softMargin = (): Loss => (prediction, target) => {
  const t = alike('softMargin', prediction, target);
  return meanOfRow(softplus(prediction.mul(t).neg()));
};

const checkHingeEmbedding = signature('hingeEmbedding', { 'margin?': aNumber });

/** For distances x: x for targets of 1, max(0, margin − x) for targets of −1; the mean over all axes but the first. */
export function hingeEmbedding(margin = 1): Loss {
  checkHingeEmbedding(margin);
  return (distance, target) => {
    const t = alike('hingeEmbedding', distance, target);
    return meanOfRow(where(t.greater(0), distance, relu(distance.neg().add(margin))).add(nanOf(t)));
  };
}

const checkMultiMargin = signature('multiMargin', { 'margin?': aNumber });

/**
 * Σ max(0, margin − x[label] + x[j]) over the other classes j, divided by the number of classes (Crammer and Singer,
 * 2001): scores [rows, .., classes], labels int32 [rows, ..]; the mean over a sample's labels.
 */
export function multiMargin(margin = 1): Loss {
  checkMultiMargin(margin);
  return (scores, labels) => {
    requireClasses('multiMargin', scores, labels);
    const count = scores.shape.at(-1)!;
    requireNamed({ owner: 'multiMargin', kind: 'label', numbers: labels, count });
    const isOwn = oneHot(labels, scores.shape.at(-1)!).greater(0);
    const own = where(isOwn, scores, 0).sum(-1, { keepDims: true });
    const values = where(isOwn, 0, relu(scores.sub(own).add(margin))).mean(-1);
    return meanOfRow(orNaN(values, labels, scores.shape.at(-1)!));
  };
}

const checkMarginRanking = signature('marginRanking', { 'margin?': aNumber });

/**
 * max(0, −t·(a − b) + margin) for scores `stack([a, b], 1)`; the target t is 1 if a should be larger and −1 if b
 * should.
 */
export function marginRanking(margin = 0): Loss {
  checkMarginRanking(margin);
  return (scores, target) => {
    const [a, b] = partsOf('marginRanking', scores, ['a', 'b']) as [Tensor, Tensor];
    const t = alike('marginRanking', a, target);
    return meanOfRow(relu(b.sub(a).mul(t).add(margin)));
  };
}

const checkCosineEmbedding = signature('cosineEmbedding', { 'margin?': aNumber });

/**
 * Pairs of vectors [rows, 2, width], as `stack([a, b], 1)` gives, and targets [rows]: 1 − cos(a, b) for targets of 1
 * (similar), max(0, cos(a, b) − margin) for targets of −1 (different).
 */
export function cosineEmbedding(margin = 0): Loss {
  checkCosineEmbedding(margin);
  return (pairs, target) => {
    const [a, b] = partsOf('cosineEmbedding', pairs, ['a', 'b']) as [Tensor, Tensor];
    const t = alike('cosineEmbedding', a.slice([0, 0], [a.shape[0]!, 1]), target).reshape([-1]);
    const squares = (x: Tensor): Tensor => x.square().sum(1).add(1e-12);
    const cosine = a
      .mul(b)
      .sum(1)
      .div(sqrt(squares(a).mul(squares(b))));
    return where(t.greater(0), cosine.neg().add(1), relu(cosine.sub(margin))).add(nanOf(t));
  };
}

const checkTripletMargin = signature('tripletMargin', { 'margin?': aNumber });

/**
 * max(0, ‖a − p‖ − ‖a − n‖ + margin) for triples of vectors [rows, 3, width]: an anchor, a similar and a different
 * vector. The target is not used.
 */
export function tripletMargin(margin = 1): Loss {
  checkTripletMargin(margin);
  return (triples) => {
    const [anchor, positive, negative] = partsOf('tripletMargin', triples, [
      'anchor',
      'positive',
      'negative',
    ]) as [Tensor, Tensor, Tensor];
    // As in PyTorch, 1e-6 on each difference keeps the root's slope finite for equal vectors.
    const distance = (x: Tensor): Tensor => sqrt(anchor.sub(x).add(1e-6).square().sum(1));
    return relu(distance(positive).sub(distance(negative)).add(margin));
  };
}
