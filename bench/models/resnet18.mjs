/** ResNet-18 for 32×32 images (He et al., 2016): 3×3 stem, no max pooling. Compared with torch/cnn.py --model resnet18. */
import {
  batchNorm,
  conv2d,
  defineExperiment,
  dense,
  foldIn,
  globalAvgPool,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';
import { randomData } from './random-data.mjs';

const BATCHES = 4;

const convolution = (channels, kernelSize, stride = 1) => [
  conv2d(channels, kernelSize, { bias: false, stride, padding: (kernelSize - 1) / 2 }),
  batchNorm(),
];

/**
 * relu(body(x) + shortcut(x))
 *
 * @param {import('lockstep').Layer[]} parts body and shortcut
 * @returns {import('lockstep').Layer}
 */
function residual(...parts) {
  return {
    kind: 'residual',
    layers: parts,
    init(key, input) {
      const [main, side] = parts.map((part, i) => part.init(foldIn(key, i), input));
      return {
        params: [main.params, side.params],
        state: [main.state, side.state],
        output: main.output,
      };
    },
    apply(params, state, x, context) {
      const [[main, mainState], [side, sideState]] = parts.map((part, i) =>
        part.apply(params[i], state[i], x, { ...context, key: foldIn(context.key, i) }),
      );
      return [main.add(side).relu(), [mainState, sideState]];
    },
  };
}

const basicBlock = (channels, stride, changesShape) =>
  residual(
    sequential(...convolution(channels, 3, stride), relu, ...convolution(channels, 3)),
    sequential(...(changesShape ? convolution(channels, 1, stride) : [])),
  );

/** Two blocks; the first may halve the image. */
const stage = (channels, stride) => [
  basicBlock(channels, stride, stride > 1),
  basicBlock(channels, 1, false),
];

export const resnet18 = (size) =>
  defineExperiment({
    data: randomData(BATCHES * size, [32, 32, 3]),
    model: sequential(
      ...convolution(64, 3),
      relu,
      ...stage(64, 1),
      ...stage(128, 2),
      ...stage(256, 2),
      ...stage(512, 2),
      globalAvgPool,
      dense(10),
    ),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(0.01, { momentum: 0.9 }),
    batch: { size },
  });
