/** Every loss that PyTorch has too, against it in float64: a value for each sample, and gradients. */
import { grad, type Tensor } from '@lockstep/autodiff';
import {
  binaryCrossEntropy,
  cosineEmbedding,
  focal,
  gaussianNegativeLogLikelihood,
  hinge,
  hingeEmbedding,
  huber,
  klDivergence,
  type Loss,
  marginRanking,
  meanAbsoluteError,
  meanSquaredError,
  multiMargin,
  negativeLogLikelihood,
  poissonNegativeLogLikelihood,
  smoothL1,
  softMargin,
  softmaxCrossEntropy,
  tripletMargin,
} from '@lockstep/nn';
import { describe, expect, it } from 'vitest';
import { distance, readReference } from './reference.ts';

const reference = readReference('losses');
const classWeights = [0.5, 2, 1, 0, 1.5];

const losses: Readonly<Record<string, Loss>> = {
  crossEntropy: softmaxCrossEntropy(),
  'crossEntropy/smoothing': softmaxCrossEntropy({ labelSmoothing: 0.1 }),
  'crossEntropy/weights': softmaxCrossEntropy({ classWeights }),
  'crossEntropy/weightsSmoothing': softmaxCrossEntropy({ classWeights, labelSmoothing: 0.3 }),
  'crossEntropy/ignored': softmaxCrossEntropy({ ignoreIndex: 2 }),
  'crossEntropy/sequences': softmaxCrossEntropy(),
  'crossEntropy/padded': softmaxCrossEntropy({ classWeights, labelSmoothing: 0.1, ignoreIndex: -100 }),
  'crossEntropy/probabilities': softmaxCrossEntropy({ classWeights, labelSmoothing: 0.1 }),
  focal: focal({ gamma: 1.5, classWeights }),
  negativeLogLikelihood: negativeLogLikelihood({ classWeights }),
  meanSquaredError: meanSquaredError(),
  meanAbsoluteError: meanAbsoluteError(),
  huber: huber(0.5),
  smoothL1: smoothL1(0.5),
  binaryCrossEntropy: binaryCrossEntropy(),
  'binaryCrossEntropy/posWeight': binaryCrossEntropy({ posWeight: [0.25, 3, 1] }),
  hinge: hinge(),
  poissonNegativeLogLikelihood: poissonNegativeLogLikelihood(),
  klDivergence: klDivergence(),
  'klDivergence/logTarget': klDivergence({ logTarget: true }),
  cosineEmbedding: cosineEmbedding(0.1),
  tripletMargin: tripletMargin(),
  softMargin: softMargin(),
  hingeEmbedding: hingeEmbedding(),
  multiMargin: multiMargin(),
  marginRanking: marginRanking(0.1),
  gaussianNegativeLogLikelihood: gaussianNegativeLogLikelihood(),
};

describe('losses are PyTorch’s', () => {
  it.each(Object.entries(losses))('%s', (name, loss) => {
    const of = (part: string): Tensor => reference(`${name}/${part}`);
    const [prediction, target] = [of('prediction'), of('target')];
    expect(distance(loss(prediction, target), of('output'))).toBeLessThan(1e-12);
    const gradient = grad((x: Tensor) => loss(x, target).mul(of('upstream')).sum())(prediction);
    expect(distance(gradient, of('dprediction'))).toBeLessThan(1e-12);
  });

  it('all that the file holds', () => {
    const held = reference.names.filter((name) => name.endsWith('/output')).map((name) => name.slice(0, -7));
    expect(held.sort()).toEqual(Object.keys(losses).sort());
  });
});
