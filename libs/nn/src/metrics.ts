/** Metrics: one value per sample each, averaged by the trainer like the loss. */

import { arange, asTensor, logicalAnd, logicalOr, oneHot, type Tensor, where } from '@lockstep/autodiff';
import { signature, whole } from '@lockstep/errors';
import { numberOrTensor } from './kinds.ts';
import { alike, type Metric, meanOfRow, nanOf, requireClasses } from './loss.ts';
import { noteNames } from './named.ts';

/**
 * 1 where the largest logit is the label's, else 0, and NaN where a logit is NaN: logits [rows, .., classes], labels
 * int32 [rows, ..]; the mean over the sample's labels → float32 [rows].
 */
export const accuracy: Metric = (logits, labels) => {
  requireClasses('accuracy', logits, labels);
  noteNames({ owner: 'accuracy', kind: 'label', numbers: labels, count: logits.shape.at(-1)! });
  return meanOfRow(logits.argmax(-1).equal(labels).cast('float32').add(nanOfAny(logits)));
};

const checkTopKAccuracy = signature('topKAccuracy', { k: whole(1) });

/** NaN for rows of logits that contain NaN, else 0. */
const nanOfAny = (logits: Tensor): Tensor => nanOf(logits).sum(-1).cast('float32');

/**
 * 1 where the label's logit is among the `k` largest (the first of equal logits), else 0; otherwise like {@link
 * accuracy}.
 */
export function topKAccuracy(k: number): Metric {
  checkTopKAccuracy(k);
  return (logits, labels) => {
    requireClasses('topKAccuracy', logits, labels);
    const classes = logits.shape.at(-1)!;
    noteNames({ owner: 'topKAccuracy', kind: 'label', numbers: labels, count: classes });
    const isOwn = oneHot(labels, classes).greater(0);
    const asColumn = (x: Tensor): Tensor => x.reshape([...x.shape, 1]);
    const own = asColumn(where(isOwn, logits, 0).sum(-1));
    const isBefore = arange(classes, 'int32').less(asColumn(labels));
    const isAhead = logicalOr(logits.greater(own), logicalAnd(logits.equal(own), isBefore));
    const isHit = logicalAnd(
      isAhead.cast('float32').sum(-1).less(k),
      isOwn.cast('float32').sum(-1).greater(0),
    );
    return meanOfRow(isHit.cast('float32').add(nanOfAny(logits)));
  };
}

/** 1 where the logit is above 0 and the target 1, or neither, else 0; the mean over all axes but the first. */
export const binaryAccuracy: Metric = (logits, target) => {
  const t = alike('binaryAccuracy', logits, target);
  const hits = logits.greater(0).equal(t.greater(0.5)).cast('float32');
  return meanOfRow(hits.add(nanOf(logits).add(nanOf(t)).cast('float32')));
};

const checkPerplexity = signature('perplexity', { meanCrossEntropy: numberOrTensor });

/**
 * e^loss for the mean cross-entropy of a whole data set. Not a metric of a sample: the mean of samples' perplexities
 * is another number.
 */
export function perplexity(meanCrossEntropy: Tensor | number): number {
  checkPerplexity(meanCrossEntropy);
  return asTensor(meanCrossEntropy).exp().item();
}
