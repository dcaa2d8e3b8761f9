/** Calls every export that takes options with a misspelt option: the error must name the correct one. */
import { describe, expect, it } from 'vitest';
import * as extend from './extend.ts';
import * as users from './index.ts';
import {
  adam,
  type GradientTransformation,
  keyTensor,
  type Layer,
  LockstepError,
  type Schedule,
  type Tensor,
  tensor,
} from './index.ts';

const library = { ...users, ...extend };
type Library = typeof library;

/** Types of last parameters that are not options. */
type NotOptions =
  | readonly unknown[]
  | ((...args: never) => unknown)
  | Tensor
  | ArrayBufferView
  | GradientTransformation<unknown>
  | Layer<unknown, unknown>
  | { readonly kind: string }
  | { readonly run: unknown }
  | { readonly equations: unknown };

type Required_<T> = Extract<Required<T>, readonly unknown[]>;
type Last<F> = F extends (...args: infer A) => unknown
  ? Required_<A> extends readonly [...unknown[], infer L]
    ? L
    : never
  : never;

/** The members of a type that are objects of options, which have named properties only. */
type OptionsIn<L> = L extends NotOptions
  ? never
  : L extends object
    ? string extends keyof L
      ? never
      : L
    : never;

type Keys<T> = keyof T & string;
type TakesOptions = {
  [K in Keys<Library>]: [OptionsIn<Last<Library[K]>>] extends [never] ? never : K;
}[Keys<Library>];

type MethodTakesOptions = {
  [K in Keys<Tensor>]: [OptionsIn<Last<Tensor[K]>>] extends [never] ? never : K;
}[Keys<Tensor>];

/** A call with these options, and the name of a valid option. */
type Case = readonly [call: (options: never) => unknown, option: string];

const x = tensor([3, 1, 2]);
const m = tensor([
  [2, 1],
  [1, 3],
]);
const images = tensor(new Float32Array(16), { shape: [1, 4, 4, 1] });
const kernel = tensor(new Float32Array(4), { shape: [2, 2, 1, 1] });
const sequences = tensor(new Float32Array(4), { shape: [1, 4, 1] });
const taps = tensor(new Float32Array(2), { shape: [2, 1, 1] });
const total = (y: Tensor): Tensor => y.sum();
const l = library;

const cases: Record<Exclude<TakesOptions, Excluded>, Case> = {
  tensor: [(o) => l.tensor([1], o), 'dtype'],
  gelu: [(o) => l.gelu(x, o), 'approximate'],
  meshgrid: [(o) => l.meshgrid([x, x], o), 'indexing'],
  matmul: [(o) => l.matmul(m, m, o), 'transposeA'],
  conv1d: [(o) => l.conv1d(2, 2, o), 'padding'],
  conv2d: [(o) => l.conv2d(2, 2, o), 'stride'],
  depthwiseConv2d: [(o) => l.depthwiseConv2d(2, o), 'multiplier'],
  convTranspose1d: [(o) => l.convTranspose1d(2, 2, o), 'outputPadding'],
  convTranspose2d: [(o) => l.convTranspose2d(2, 2, o), 'dilation'],
  maxPool: [(o) => l.maxPool(2, o), 'stride'],
  maxPool1d: [(o) => l.maxPool1d(2, o), 'padding'],
  avgPool: [(o) => l.avgPool(2, o), 'countIncludePad'],
  avgPool1d: [(o) => l.avgPool1d(2, o), 'countIncludePad'],
  cumSum: [(o) => l.cumSum(x, 0, o), 'reverse'],
  cumProd: [(o) => l.cumProd(x, 0, o), 'reverse'],
  cumMax: [(o) => l.cumMax(x, 0, o), 'reverse'],
  cumMin: [(o) => l.cumMin(x, 0, o), 'reverse'],
  logCumSumExp: [(o) => l.logCumSumExp(x, 0, o), 'reverse'],
  choice: [(o) => l.choice(keyTensor(0), 3, [2], o), 'replace'],
  triangularSolve: [(o) => l.triangularSolve(m, m, o), 'unitDiagonal'],
  pad: [(o) => l.pad(x, 1, o), 'mode'],
  nanToNum: [(o) => l.nanToNum(x, o), 'infinity'],
  max: [(o) => l.max(x, 0, o), 'keepDims'],
  min: [(o) => l.min(x, 0, o), 'keepDims'],
  argmax: [(o) => l.argmax(x, 0, o), 'keepDims'],
  argmin: [(o) => l.argmin(x, 0, o), 'keepDims'],
  mean: [(o) => l.mean(x, 0, o), 'keepDims'],
  prod: [(o) => l.prod(x, 0, o), 'keepDims'],
  sum: [(o) => l.sum(x, 0, o), 'keepDims'],
  logSumExp: [(o) => l.logSumExp(x, 0, o), 'keepDims'],
  all: [(o) => l.all(x, 0, o), 'keepDims'],
  any: [(o) => l.any(x, 0, o), 'keepDims'],
  average: [(o) => l.average(x, x, 0, o), 'keepDims'],
  countNonZero: [(o) => l.countNonZero(x, 0, o), 'keepDims'],
  median: [(o) => l.median(x, 0, o), 'keepDims'],
  nanMean: [(o) => l.nanMean(x, 0, o), 'keepDims'],
  nanSum: [(o) => l.nanSum(x, 0, o), 'keepDims'],
  norm: [(o) => l.norm(x, 0, o), 'order'],
  ptp: [(o) => l.ptp(x, 0, o), 'keepDims'],
  quantile: [(o) => l.quantile(x, 0.5, 0, o), 'keepDims'],
  std: [(o) => l.std(x, 0, o), 'correction'],
  variance: [(o) => l.variance(x, 0, o), 'correction'],
  argSort: [(o) => l.argSort(x, 0, o), 'descending'],
  sort: [(o) => l.sort(x, 0, o), 'descending'],
  topK: [(o) => l.topK(x, 1, 0, o), 'smallest'],
  pinv: [(o) => l.pinv(m, o), 'cutoff'],
  planProgram: [
    (o) =>
      l.planProgram(
        l.traceProgram((y) => [y!], [x]),
        o,
      ),
    'outputs',
  ],
  createPlanner: [(o) => l.createPlanner(o), 'maxPlans'],
  instantiate: [(o) => l.instantiate(l.planProgram(l.traceProgram((y) => [y!], [x])), o), 'byteOffset'],
  checkGrads: [(o) => l.checkGrads(total, [x], o), 'modes'],
  jacobian: [(o) => l.jacobian(total, 0, o), 'mode'],
  numericalGrad: [(o) => l.numericalGrad(total, 0, o), 'method'],
  scan: [(o) => l.scan((c: Tensor, y: Tensor) => [c.add(y), null], tensor(0), x, o), 'reverse'],
  vmap: [(o) => l.vmap(total, o), 'axisName'],
  jit: [(o) => l.jit(total, o), 'maxPrograms'],
  inspectRun: [(o) => l.inspectRun('runs/none', o), 'step'],
  loadRun: [(o) => l.loadRun('runs/none', o), 'step'],
  readArrays: [(o) => l.readArrays('none.npz', o), 'names'],
  masked: [(o) => l.masked(l.sgd(0.1), () => true, o), 'rest'],
  csv: [(o) => l.csv('a.csv', o), 'standardize'],
  npz: [(o) => l.npz('a.npz', o), 'fields'],
  fromArrays: [(o) => l.fromArrays({ x: [1] }, o), 'dtypes'],
  mnist: [(o) => l.mnist(o), 'validation'],
  fashionMnist: [(o) => l.fashionMnist(o), 'folder'],
  text: [(o) => l.text('a.txt', o), 'context'],
  mobyDick: [(o) => l.mobyDick(o), 'stride'],
  encodeNpy: [(o) => l.encodeNpy(x, o), 'fortranOrder'],
  encodeNpz: [(o) => l.encodeNpz({ x }, o), 'compress'],
  exportOnnx: [(o) => l.exportOnnx(total, o), 'inputs'],
  exportModel: [(o) => l.exportModel(l.dense(1), { params: {}, state: {} }, o), 'input'],
  dense: [(o) => l.dense(3, o), 'bias'],
  attention: [(o) => l.attention(m, m, m, o), 'causal'],
  multiHeadAttention: [(o) => l.multiHeadAttention(4, 2, o), 'memoryFeatures'],
  transformerBlock: [(o) => l.transformerBlock(4, 2, o), 'activation'],
  batchNorm: [(o) => l.batchNorm(o), 'momentum'],
  layerNorm: [(o) => l.layerNorm(o), 'axes'],
  rmsNorm: [(o) => l.rmsNorm(o), 'epsilon'],
  groupNorm: [(o) => l.groupNorm(2, o), 'scale'],
  instanceNorm: [(o) => l.instanceNorm(o), 'shift'],
  embedding: [(o) => l.embedding(3, 2, o), 'paddingIndex'],
  positionalEmbedding: [(o) => l.positionalEmbedding(3, o), 'init'],
  prelu: [(o) => l.prelu(o), 'perChannel'],
  rnn: [(o) => l.rnn(3, o), 'activation'],
  lstm: [(o) => l.lstm(3, o), 'bidirectional'],
  gru: [(o) => l.gru(3, o), 'recurrentInit'],
  softmaxCrossEntropy: [(o) => l.softmaxCrossEntropy(o), 'labelSmoothing'],
  negativeLogLikelihood: [(o) => l.negativeLogLikelihood(o), 'reduction'],
  focal: [(o) => l.focal(o), 'gamma'],
  binaryCrossEntropy: [(o) => l.binaryCrossEntropy(o), 'posWeight'],
  klDivergence: [(o) => l.klDivergence(o), 'logTarget'],
  sgd: [(o) => l.sgd(0.1, o), 'momentum'],
  adam: [(o) => l.adam(0.1, o), 'beta1'],
  amsgrad: [(o) => l.amsgrad(0.1, o), 'epsilon'],
  adamw: [(o) => l.adamw(0.1, o), 'weightDecay'],
  nadam: [(o) => l.nadam(0.1, o), 'momentumDecay'],
  radam: [(o) => l.radam(0.1, o), 'epsilon'],
  adamax: [(o) => l.adamax(0.1, o), 'epsilon'],
  rmsprop: [(o) => l.rmsprop(0.1, o), 'centered'],
  adagrad: [(o) => l.adagrad(0.1, o), 'rateDecay'],
  adadelta: [(o) => l.adadelta(0.1, o), 'decay'],
  lion: [(o) => l.lion(0.1, o), 'mask'],
  lars: [(o) => l.lars(0.1, o), 'coefficient'],
  lamb: [(o) => l.lamb(0.1, o), 'epsilon'],
  traceMomentum: [(o) => l.traceMomentum(0.9, o), 'nesterov'],
  scaleByRms: [(o) => l.scaleByRms(o), 'decay'],
  scaleByAdagrad: [(o) => l.scaleByAdagrad(o), 'initialAccumulator'],
  scaleByAdadelta: [(o) => l.scaleByAdadelta(o), 'epsilon'],
  scaleByAdam: [(o) => l.scaleByAdam(o), 'amsgrad'],
  scaleByAdamax: [(o) => l.scaleByAdamax(o), 'epsilon'],
  scaleByLion: [(o) => l.scaleByLion(o), 'beta1'],
  scaleByNadam: [(o) => l.scaleByNadam(o), 'momentumDecay'],
  scaleByRadam: [(o) => l.scaleByRadam(o), 'epsilon'],
  scaleByTrustRatio: [(o) => l.scaleByTrustRatio(o), 'coefficient'],
  clipAdaptively: [(o) => l.clipAdaptively(o), 'clipping'],
  emaParams: [(o) => l.emaParams(o), 'debias'],
  swaParams: [(o) => l.swaParams(o), 'start'],
  lookahead: [(o) => l.lookahead(adam(0.1), o), 'every'],
  skipNonFinite: [(o) => l.skipNonFinite(adam(0.1), o), 'most'],
  reduceOnPlateau: [(o) => l.reduceOnPlateau(o), 'patience'],
  addGradientNoise: [(o) => l.addGradientNoise(o), 'variance'],
  monitorLearningRate: [(o) => l.monitorLearningRate(0.1, o), 'name'],
  monitorNoiseScale: [(o) => l.monitorNoiseScale(o), 'decay'],
  accumulateGradients: [(o) => l.accumulateGradients(2, adam(0.1), o), 'rule'],
  byNoiseScale: [(o) => l.byNoiseScale(o), 'most'],
  linearWarmup: [(o) => l.linearWarmup(o), 'warmupSteps'],
  cosine: [(o) => l.cosine(o), 'totalSteps'],
  warmupCosine: [(o) => l.warmupCosine(o), 'warmupSteps'],
  cosineRestarts: [(o) => l.cosineRestarts(o), 'periodFactor'],
  polynomial: [(o) => l.polynomial(o), 'power'],
  exponentialDecay: [(o) => l.exponentialDecay(o), 'factor'],
  stepDecay: [(o) => l.stepDecay(o), 'every'],
  multiStepDecay: [(o) => l.multiStepDecay(o), 'factor'],
  inverseTimeDecay: [(o) => l.inverseTimeDecay(o), 'initial'],
  inverseSquareRoot: [(o) => l.inverseSquareRoot(o), 'peak'],
  oneCycle: [(o) => l.oneCycle(o), 'finalDivisor'],
  cyclic: [(o) => l.cyclic(o), 'stepsUp'],
  scaledByBatch: [(o) => l.scaledByBatch(0.1 as number & Schedule, o), 'baseBatchSize'],
  defineExperiment: [(o) => l.defineExperiment(o), 'batch'],
  defineSweep: [(o) => l.defineSweep(o), 'repeats'],
  scaleWithBatch: [(o) => l.scaleWithBatch({} as never, o), 'warmup'],
  minimize: [(o) => l.minimize('validation/loss', o), 'over'],
  createStudy: [(o) => l.createStudy(o), 'waits'],
  importances: [(o) => l.importances({}, l.minimize('loss'), [], o), 'best'],
  maximize: [(o) => l.maximize('validation/loss', o), 'over'],
};

/** Exports whose last parameter is an object but not options, or may also be a text. */
type Excluded = 'onesLike' | 'zerosLike' | 'primitive' | 'nestArrays';

/** Ops that share their name with a layer. */
const ops: Record<
  | 'conv1d'
  | 'conv2d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'maxPool'
  | 'maxPool1d'
  | 'avgPool'
  | 'avgPool1d',
  Case
> = {
  conv1d: [(o) => l.ops.conv1d(sequences, taps, o), 'padding'],
  conv2d: [(o) => l.ops.conv2d(images, kernel, o), 'groups'],
  convTranspose1d: [(o) => l.ops.convTranspose1d(sequences, taps, o), 'stride'],
  convTranspose2d: [(o) => l.ops.convTranspose2d(images, kernel, o), 'outputPadding'],
  maxPool: [(o) => l.ops.maxPool(images, 2, o), 'stride'],
  maxPool1d: [(o) => l.ops.maxPool1d(sequences, 2, o), 'padding'],
  avgPool: [(o) => l.ops.avgPool(images, 2, o), 'countIncludePad'],
  avgPool1d: [(o) => l.ops.avgPool1d(sequences, 2, o), 'stride'],
};

const methods: Record<MethodTakesOptions, Case> = {
  gelu: [(o) => x.gelu(o), 'approximate'],
  matmul: [(o) => m.matmul(m, o), 'transposeA'],
  sum: [(o) => x.sum(0, o), 'keepDims'],
  mean: [(o) => x.mean(0, o), 'keepDims'],
  max: [(o) => x.max(0, o), 'keepDims'],
  min: [(o) => x.min(0, o), 'keepDims'],
  prod: [(o) => x.prod(0, o), 'keepDims'],
  variance: [(o) => x.variance(0, o), 'correction'],
  std: [(o) => x.std(0, o), 'correction'],
  norm: [(o) => x.norm(0, o), 'order'],
  any: [(o) => x.any(0, o), 'keepDims'],
  all: [(o) => x.all(0, o), 'keepDims'],
  logSumExp: [(o) => x.logSumExp(0, o), 'keepDims'],
  cumSum: [(o) => x.cumSum(0, o), 'reverse'],
  cumProd: [(o) => x.cumProd(0, o), 'reverse'],
  argmax: [(o) => x.argmax(0, o), 'keepDims'],
  argmin: [(o) => x.argmin(0, o), 'keepDims'],
  sort: [(o) => x.sort(0, o), 'descending'],
  argSort: [(o) => x.argSort(0, o), 'descending'],
};

const slips: Readonly<Record<string, (name: string) => string>> = {
  'without its last letter': (name) => name.slice(0, -1),
  'with its last letter twice': (name) => name + name.at(-1)!,
  'in capitals': (name) => name.toUpperCase(),
};

async function errorOf(run: () => unknown): Promise<LockstepError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    return error as LockstepError;
  }
  throw new Error('nothing was thrown');
}

const all = [
  ...Object.entries(cases),
  ...Object.entries(ops).map(([name, one]) => [`ops.${name}`, one] as const),
  ...Object.entries(methods).map(([name, one]) => [`x.${name}`, one] as const),
];

describe('a misspelt option is refused, and the correct one is named', () => {
  it.each(all)('%s', async (_name, [call, option]) => {
    for (const slip of Object.values(slips)) {
      const { message, code } = await errorOf(() => call({ [slip(option)]: 1 } as never));
      expect(message).toContain(`'${slip(option)}'; did you mean '${option}'?`);
      expect(code).toMatch(/^(argument|config)$/);
    }
  });
});

describe('an option with a value of another kind is refused', () => {
  it.each(all)('%s', async (_name, [call, option]) => {
    for (const value of [Symbol('s'), null]) {
      const { message } = await errorOf(() => call({ [option]: value } as never));
      expect(message).toContain(option);
    }
  });
});

describe('an argument that is not an object of options is refused', () => {
  it.each(all)('%s', async (_name, [call]) => {
    for (const value of [null, true, 'text']) {
      const { code } = await errorOf(() => call(value as never));
      expect(['argument', 'config']).toContain(code);
    }
  });
});

const recipe = {
  data: l.fromArrays({ x: [[1], [2]], y: [1, 2] }),
  model: l.dense(1),
  loss: l.meanSquaredError(),
  optimizer: adam(0.1),
  batch: { size: 2 },
};

describe('options that other libraries would silently ignore or take as something else', () => {
  it.each<[string, () => unknown, string]>([
    [
      'keepdims',
      () => x.sum(0, { keepdims: true } as never),
      "sum: there is no option 'keepdims'; did you mean 'keepDims'? The options are keepDims",
    ],
    [
      'ddof',
      () => x.variance(0, { ddof: 1 } as never),
      "variance: there is no option 'ddof'; the options are correction, keepDims",
    ],
    [
      'a mode for options',
      () => x.gelu('tanh' as never),
      "gelu: options are an object { approximate? }, not the string 'tanh'; the call is gelu(x, { approximate? })",
    ],
    [
      'a mode that is none',
      () => l.checkGrads(total, [x], { modes: ['rev'] } as never),
      "checkGrads: modes is the list ['rev']; it must be a list of 'forward' and 'reverse'",
    ],
    [
      'a dtype of NumPy',
      () => l.ones([3], 'f64' as never),
      "ones: dtype is the string 'f64'; it must be 'float32', 'float64', 'int32', 'uint32' or 'bool'; the call is ones(shape, dtype?)",
    ],
    ['a dtype that is misspelt', () => x.cast('flaot32' as never), "did you mean 'float32'?"],
    [
      'a dtype for options',
      () => tensor([1], 'int32' as never),
      "tensor: options are an object { dtype?, shape? }, not the string 'int32'",
    ],
    [
      'an axis for options',
      () => x.sum({ axis: 0 } as never),
      'sum: axes is an object of axis; it must be an axis or a list of axes; the call is sum(x, axes?, { keepDims? })',
    ],
    [
      'options for a count',
      () => l.dense({ units: 3 } as never),
      'dense: units is an object of units; it must be a whole number ≥ 1; the call is dense(units, { bias?, init?, biasInit? })',
    ],
    [
      'a function for options',
      () => l.dense(3, l.relu as never),
      'dense: options are an object { bias?, init?, biasInit? }, not a function',
    ],
    [
      'what map hands on',
      () => [m].map(l.sum as never),
      'sum: options are an object { keepDims? }, not a list of 1',
    ],
    [
      'betas',
      () => adam(0.1, { betas: [0.9, 0.999] } as never),
      "adam: there is no option 'betas'; did you mean 'beta1'?",
    ],
    [
      'a rate among options',
      () => adam({ rate: 0.1 } as never),
      'adam: rate is an object of rate; it must be a number, or a schedule; the call is adam(rate, {',
    ],
    [
      'a missing peak',
      () => l.cosine({} as never),
      'cosine: peak is missing; it must be a number; the call is cosine({ peak, totalSteps?, end? })',
    ],
    [
      'British spelling',
      () => l.csv('a.csv', { label: 'y', standardise: true } as never),
      "csv: there is no option 'standardise'; did you mean 'standardize'?",
    ],
    [
      'val',
      () => l.csv('a.csv', { label: 'y', split: { val: 0.2 } } as never),
      "csv: split: there is no option 'val'; did you mean 'validation'?",
    ],
    [
      'field',
      () => l.npz('a.npz', { field: { x: 'a' } } as never),
      "npz: there is no option 'field'; did you mean 'fields'?",
    ],
    [
      'a dtype of a column',
      () => l.fromArrays({ x: [1] }, { dtypes: { x: 'int64' } } as never),
      'fromArrays: dtypes is an object of x; it must be an object of element types',
    ],
    ['padding', () => l.conv2d(4, 3, { padding: 'SAME' } as never), "did you mean 'same'?"],
    ['an activation', () => l.rnn(4, { activation: 'sigmoid' } as never), "it must be 'tanh' or 'relu'"],
    [
      'a reduction',
      () => l.softmaxCrossEntropy({ reduction: 'none' } as never),
      "it must be 'mean' or 'sum'",
    ],
    [
      'sizes',
      () => l.defineExperiment({ ...recipe, batch: { sizes: 64 } } as never),
      "defineExperiment: batch: there is no option 'sizes'; did you mean 'size'?",
    ],
    [
      'pateince',
      () =>
        l.defineExperiment({ ...recipe, earlyStopping: { metric: 'validation/loss', pateince: 2 } } as never),
      "defineExperiment: earlyStopping: there is no option 'pateince'; did you mean 'patience'?",
    ],
    [
      'a mode of stopping',
      () =>
        l.defineExperiment({
          ...recipe,
          earlyStopping: { metric: 'validation/loss', patience: 2, mode: 'maximum' },
        } as never),
      "defineExperiment: earlyStopping: mode is the string 'maximum'; it must be 'min' or 'max'",
    ],
    [
      'optimiser',
      () => l.defineExperiment({ ...recipe, optimiser: adam(0.1) } as never),
      "defineExperiment: unknown field 'optimiser'; did you mean 'optimizer'?",
    ],
    [
      'an uncalled loss',
      () => l.softmaxCrossEntropy(m as never),
      'not a float64 tensor of shape [2, 2]; is a call missing, as in softmaxCrossEntropy()?',
    ],
    [
      'a stage',
      () => l.accumulateGradients([{ form: 0, every: 1 }] as never, adam(0.1)),
      "accumulateGradients: a stage: there is no option 'form'; did you mean 'from'?",
    ],
    [
      'null among numbers',
      () => tensor([[1, null]] as never),
      'a tensor is made of numbers and nested arrays of numbers, not of null',
    ],
    ['strings among numbers', () => tensor(['1'] as never), "not of the string '1'"],
    ['dates among numbers', () => tensor([new Date(0)] as never), 'not of a Date'],
    ['bigints among numbers', () => tensor([3n] as never), 'not of the bigint 3n'],
    ['holes among numbers', () => tensor(new Array(2)), 'not of undefined'],
  ])('%s', async (_name, run, message) => {
    const error = await errorOf(run);
    expect(error.message).toContain(message);
  });
});
