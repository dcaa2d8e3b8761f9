/** ResNet-18 with a stem for small images (He et al., 2016, section 4.2) on pictures of clothes. */
import {
  accuracy,
  batchNorm,
  conv2d,
  defineExperiment,
  dense,
  fashionMnist,
  globalAvgPool,
  oneCycle,
  relu,
  residual,
  residualWith,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';

const convolution = (channels: number, stride = 1, size = 3) =>
  conv2d(channels, size, { stride, padding: (size - 1) / 2, bias: false });

/** Two convolutions beside a shortcut, which is a 1×1 convolution if the shape changes. */
function block(channels: number, stride: number) {
  const main = [
    convolution(channels, stride),
    batchNorm(),
    relu,
    convolution(channels),
    batchNorm(),
  ] as const;
  const shortcut = sequential(convolution(channels, stride, 1), batchNorm());
  return sequential(stride === 1 ? residual(...main) : residualWith(shortcut, ...main), relu);
}

const stage = (channels: number, stride: number) => sequential(block(channels, stride), block(channels, 1));

export default defineExperiment({
  data: fashionMnist(),
  model: sequential(
    convolution(64),
    batchNorm(),
    relu,
    stage(64, 1),
    stage(128, 2),
    stage(256, 2),
    stage(512, 2),
    globalAvgPool,
    dense(10),
  ),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: sgd(oneCycle({ peak: 0.1 }), { momentum: 0.9, nesterov: true, weightDecay: 5e-4 }),
  batch: { size: 128, shards: 8 },
  epochs: 1,
});
