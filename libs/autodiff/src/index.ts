/** The array type, the primitive table and the transformations. */
import './methods.ts';

export type { NumberArray, TensorLike } from './convert.ts';
export { arange, asTensor, full, ones, onesLike, tensor, zeros, zerosLike } from './convert.ts';
export type { Attrs, Aval, BatchAxis, Batched, BoundKernel, NestedNumbers, Primitive } from './core.ts';
export { bind, ConcreteTensor, Tensor } from './core.ts';
export { allPrimitives, primitive, primitiveNamed } from './define.ts';
export { eye, linspace } from './grids.ts';
/** Kinds of what ops take, for libraries whose functions take the same. */
export * as kinds from './option-rules.ts';
export {
  celu,
  elu,
  gelu,
  glu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  mish,
  prelu,
  relu6,
  selu,
  silu,
  softsign,
  swish,
} from './primitives/activations.ts';
export type { Index } from './primitives/at.ts';
export { at } from './primitives/at.ts';
export type { MeshgridOptions } from './primitives/axes.ts';
export {
  broadcastArrays,
  expandDims,
  meshgrid,
  moveAxis,
  ravel,
  squeeze,
  swapAxes,
} from './primitives/axes.ts';
export type { MatmulOptions } from './primitives/contraction.ts';
export { matmul, treeSum } from './primitives/contraction.ts';
export type { Conv1dOptions, Conv2dOptions } from './primitives/convolve.ts';
export { conv1d, conv2d } from './primitives/convolve.ts';
export type { ConvTranspose1dOptions, ConvTranspose2dOptions } from './primitives/convolve-transposed.ts';
export { convTranspose1d, convTranspose2d } from './primitives/convolve-transposed.ts';
export { binCount, histogram } from './primitives/counting.ts';
export type { CumulativeOptions } from './primitives/cumulative.ts';
export { cumMax, cumMin, cumProd, cumSum, diff, logCumSumExp } from './primitives/cumulative.ts';
export { determinant, slogdet } from './primitives/determinants.ts';
export type { ChoiceOptions } from './primitives/distributions.ts';
export {
  categorical,
  choice,
  exponential,
  gumbel,
  laplace,
  permutation,
  randInt,
  truncatedNormal,
} from './primitives/distributions.ts';
export { einsum } from './primitives/einsum.ts';
export {
  abs,
  add,
  cast,
  ceil,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  flush,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
  where,
} from './primitives/elementwise.ts';
export {
  acosh,
  asinh,
  atanh,
  cosh,
  exp2,
  expm1,
  log1p,
  log2,
  log10,
  logAddExp,
  sinh,
  softplus,
} from './primitives/exponentials.ts';
export { gather, oneHot, scatterAdd } from './primitives/indexing.ts';
export { indexAdd, indexUpdate, putAlongAxis, take, takeAlongAxis } from './primitives/indices.ts';
export { arraySplit, hstack, split, unstack, vstack } from './primitives/joining.ts';
export type { TriangularSolveOptions } from './primitives/linear-systems.ts';
export { cholesky, inverse, matrixPower, solve, triangularSolve } from './primitives/linear-systems.ts';
export { diag, diagonal, trace, tril, triu } from './primitives/matrices.ts';
export { lstsq, qr } from './primitives/orthogonal.ts';
export type { PadOptions } from './primitives/padding.ts';
export { pad } from './primitives/padding.ts';
export type { AvgPool1dOptions, AvgPoolOptions, Pool1dOptions, PoolOptions } from './primitives/pool.ts';
export {
  adaptiveAvgPool,
  adaptiveAvgPool1d,
  adaptiveMaxPool,
  avgPool,
  avgPool1d,
  globalAvgPool,
  globalMaxPool,
  maxPool,
  maxPool1d,
} from './primitives/pool.ts';
export { cbrt, floorDivide, hypot, mod, pow, remainder } from './primitives/powers.ts';
export { cross, dot, inner, kron, outer, tensorDot, vdot } from './primitives/products.ts';
export { bernoulli, foldIn, keyTensor, normal, randomBits, splitKey, uniform } from './primitives/random.ts';
export type { NanToNumOptions } from './primitives/ranges.ts';
export {
  clip,
  isFiniteNumber as isFinite,
  isInfinite,
  isNotANumber as isNaN,
  logicalXor,
  nanToNum,
  trunc,
} from './primitives/ranges.ts';
export {
  argmax,
  argmin,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  prod,
  softmax,
} from './primitives/reductions.ts';
export { repeat, roll, rot90, tile } from './primitives/repeating.ts';
export type { Unique } from './primitives/selecting.ts';
export { compress, nonZero, select, unique } from './primitives/selecting.ts';
export type { BucketOp, ShardMoments } from './primitives/sharding.ts';
export { allReduceSum, localMoments, shardMoments } from './primitives/sharding.ts';
export type { Position } from './primitives/slicing.ts';
export { concatenate, flip, slice, stack } from './primitives/slicing.ts';
export type { SortOptions, TopKOptions } from './primitives/sorting.ts';
export { argSort, searchSorted, sort, topK } from './primitives/sorting.ts';
export { digamma, erfc, erfInv, logGamma, logit, polygamma, xLogY } from './primitives/special.ts';
export type { MatrixNorm, PinvOptions } from './primitives/spectral.ts';
export { eigh, matrixNorm, pinv, svd } from './primitives/spectral.ts';
export type { NormOptions, VarianceOptions } from './primitives/statistics.ts';
export {
  all,
  any,
  average,
  countNonZero,
  median,
  nanMean,
  nanSum,
  norm,
  ptp,
  quantile,
  std,
  variance,
} from './primitives/statistics.ts';
export type { ReduceOptions } from './primitives/structural.ts';
export { broadcastTo, reshape, sum, transpose } from './primitives/structural.ts';
export { acos, asin, atan, atan2, sinc, tan } from './primitives/trigonometry.ts';
export type { Padding, Padding1d, Sides, Size } from './primitives/windows.ts';
export { useProfile } from './profile.ts';
export type {
  EquationDescription,
  NamedAval,
  PlanDescription,
  SegmentDescription,
} from './program/describe.ts';
export { describePlan } from './program/describe.ts';
export { evaluateProgram } from './program/evaluate.ts';
export { programFlops } from './program/flops.ts';
export { inlineCalls } from './program/inline.ts';
export type { BlockBucket, Instance, InstanceOptions } from './program/instance.ts';
export { instantiate } from './program/instance.ts';
export type { Plan, PlannedBucket, PlanOptions } from './program/plan.ts';
export { planProgram } from './program/plan.ts';
export type { Equation, Program } from './program/program.ts';
export { formatProgram, programHash } from './program/program.ts';
export { traceProgram } from './program/trace.ts';
export type { TraceExplanation, TraceRow } from './teach/explain-table.ts';
export { explainTrace } from './teach/explain-trace.ts';
export type { Expression } from './teach/expression.ts';
export { evaluateExpression } from './teach/expression.ts';
export type { ArraySummary, NonFinite } from './teach/non-finite.ts';
export { debugNonFinite, findNonFinite } from './teach/non-finite.ts';
export type { NotationStyle } from './teach/notation.ts';
export { formatExpression } from './teach/notation.ts';
export type { Formula, FormulaStep, MathProgram } from './teach/program-of.ts';
export { programOf } from './teach/program-of.ts';
export { simplify } from './teach/simplify.ts';
export type { CheckGradsOptions } from './transform/check-grads.ts';
export { checkGrads } from './transform/check-grads.ts';
export { checkpoint } from './transform/checkpoint.ts';
export { cond, switchCase } from './transform/cond.ts';
export { customJvp, customVjp } from './transform/custom.ts';
export type { GradientBy, Jacobian, JacobianOptions, Wrt } from './transform/derivatives.ts';
export {
  elementwiseGrad,
  ggnvp,
  gradWithAux,
  hessian,
  hessianTensorProduct,
  hvp,
  jacobian,
} from './transform/derivatives.ts';
export type { JitOptions } from './transform/jit.ts';
export { jit, runAlone } from './transform/jit.ts';
export { jvp } from './transform/jvp.ts';
export type { NumericalGradOptions } from './transform/numerical.ts';
export { numericalGrad } from './transform/numerical.ts';
export type { ScanOptions } from './transform/scan.ts';
export { forLoop, mapOver, scan } from './transform/scan.ts';
export type { Gradient, Gradients, Input, Inputs, Values } from './transform/types.ts';
export { grad, valueAndGrad, valueAndGradWithAux, vjp } from './transform/vjp.ts';
export type { InAxis, VmapOptions } from './transform/vmap.ts';
export { overShards, vmap } from './transform/vmap.ts';
export { whileLoop } from './transform/while-loop.ts';
