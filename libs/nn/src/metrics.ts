/** What one looks at beside the loss: one value a sample each, averaged by the trainer like the loss. */

import { arange, asTensor, logicalAnd, logicalOr, oneHot, type Tensor, where } from '@lockstep/autodiff';
import { signature, whole } from '@lockstep/errors';
import { numberOrTensor } from './kinds.ts';
import { alike, type Metric, meanOfRow, requireClasses } from './loss.ts';

/**
 * 1 where the largest logit is the label's, else 0: logits [rows, .., classes], labels int32 [rows, ..], the mean over
 * the sample's labels → float32 [rows].
 */
export const accuracy: Metric = (logits, labels) => {
  requireClasses('accuracy', logits, labels);
  return meanOfRow(logits.argmax(-1).equal(labels).cast('float32'));
};

const checkTopKAccuracy = signature('topKAccuracy', { k: whole(1) });

/** 1 where the label's logit is among the `k` largest (of equal ones the first), else 0; otherwise {@link accuracy}. */
export function topKAccuracy(k: number): Metric {
  checkTopKAccuracy(k);
  return (logits, labels) => {
    requireClasses('topKAccuracy', logits, labels);
    const classes = logits.shape.at(-1)!;
    const isOwn = oneHot(labels, classes).greater(0);
    const asColumn = (x: Tensor): Tensor => x.reshape([...x.shape, 1]);
    const own = asColumn(where(isOwn, logits, 0).sum(-1));
    const isBefore = arange(classes, 'int32').less(asColumn(labels));
    const isAhead = logicalOr(logits.greater(own), logicalAnd(logits.equal(own), isBefore));
    const isHit = logicalAnd(
      isAhead.cast('float32').sum(-1).less(k),
      isOwn.cast('float32').sum(-1).greater(0),
    );
    return meanOfRow(isHit.cast('float32'));
  };
}

/** 1 where a logit is above 0 and its target 1, or neither, else 0; the mean over all axes but the first. */
export const binaryAccuracy: Metric = (logits, target) => {
  const isOne = alike('binaryAccuracy', logits, target).greater(0.5);
  return meanOfRow(logits.greater(0).equal(isOne).cast('float32'));
};

const checkPerplexity = signature('perplexity', { meanCrossEntropy: numberOrTensor });

/**
 * e^loss of the mean cross-entropy of a whole data set. No metric of a sample: a mean of perplexities would be another
 * number.
 */
export function perplexity(meanCrossEntropy: Tensor | number): number {
  checkPerplexity(meanCrossEntropy);
  return asTensor(meanCrossEntropy).exp().item();
}
