/** The array type, the primitive table and the transformations. */
import './methods.ts';

export type { Conv1dOptions, Conv2dOptions } from './compositions/convolution/convolve.ts';
export { conv1d, conv2d } from './compositions/convolution/convolve.ts';
export type {
  ConvTranspose1dOptions,
  ConvTranspose2dOptions,
} from './compositions/convolution/convolve-transposed.ts';
export { convTranspose1d, convTranspose2d } from './compositions/convolution/convolve-transposed.ts';
export type {
  AvgPool1dOptions,
  AvgPoolOptions,
  Pool1dOptions,
  PoolOptions,
} from './compositions/convolution/pool.ts';
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
} from './compositions/convolution/pool.ts';
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
} from './compositions/elementwise/activations.ts';
export { logit, tan, xLogY } from './compositions/elementwise/functions.ts';
export type { NanToNumOptions } from './compositions/elementwise/ranges.ts';
export {
  clip,
  isFiniteNumber as isFinite,
  isInfinite,
  isNotANumber as isNaN,
  logicalXor,
  nanToNum,
  trunc,
} from './compositions/elementwise/ranges.ts';
export { einsum } from './compositions/linear-algebra/einsum.ts';
export { inverse, lstsq, matrixPower } from './compositions/linear-algebra/inverses.ts';
export { diag, diagonal, trace, tril, triu } from './compositions/linear-algebra/matrices.ts';
export type { MatrixNorm } from './compositions/linear-algebra/matrix-norm.ts';
export { matrixNorm } from './compositions/linear-algebra/matrix-norm.ts';
export { cross, dot, inner, kron, outer, tensorDot, vdot } from './compositions/linear-algebra/products.ts';
export type { ChoiceOptions } from './compositions/random/distributions.ts';
export {
  bernoulli,
  categorical,
  choice,
  exponential,
  gumbel,
  laplace,
  normal,
  randInt,
  splitKey,
  truncatedNormal,
} from './compositions/random/distributions.ts';
export { binCount, histogram } from './compositions/reduce/counting.ts';
export { logSoftmax, logSumExp, mean, prod, softmax } from './compositions/reduce/means.ts';
export { cumProd, diff, logCumSumExp } from './compositions/reduce/running.ts';
export type { TopKOptions } from './compositions/reduce/sorting.ts';
export { sort, topK } from './compositions/reduce/sorting.ts';
export type { NormOptions, VarianceOptions } from './compositions/reduce/statistics.ts';
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
} from './compositions/reduce/statistics.ts';
export type { Index } from './compositions/shape/at.ts';
export { at } from './compositions/shape/at.ts';
export type { MeshgridOptions } from './compositions/shape/axes.ts';
export {
  broadcastArrays,
  expandDims,
  meshgrid,
  moveAxis,
  ravel,
  squeeze,
  swapAxes,
} from './compositions/shape/axes.ts';
export { arraySplit, hstack, split, unstack, vstack } from './compositions/shape/joining.ts';
export { oneHot } from './compositions/shape/one-hot.ts';
export type { PadOptions } from './compositions/shape/padding.ts';
export { pad } from './compositions/shape/padding.ts';
export { repeat, roll, rot90, tile } from './compositions/shape/repeating.ts';
export type { Unique } from './compositions/shape/selecting.ts';
export { compress, nonZero, select, unique } from './compositions/shape/selecting.ts';
export { indexAdd, indexUpdate, putAlongAxis, take, takeAlongAxis } from './compositions/shape/taking.ts';
export type { NumberArray, TensorLike } from './convert.ts';
export { arange, asTensor, full, ones, onesLike, tensor, zeros, zerosLike } from './convert.ts';
export { bind, isUsable } from './core.ts';
export { allPrimitives, primitive, primitiveNamed } from './define.ts';
export { eye, linspace } from './grids.ts';
/** Kinds of arguments, for libraries whose functions take the same arguments as ops. */
export * as kinds from './option-rules.ts';
export type { Attrs, BatchAxis, Batched, BoundKernel, Primitive } from './primitive.ts';
export type { Padding, Padding1d, Sides, Size } from './primitives/convolution/windows.ts';
export { cast, stopGradient } from './primitives/elementwise/cast.ts';
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
} from './primitives/elementwise/exponentials.ts';
export {
  abs,
  add,
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
  sub,
  tanh,
  where,
} from './primitives/elementwise/fusible.ts';
export { cbrt, floorDivide, hypot, mod, pow, remainder } from './primitives/elementwise/powers.ts';
export { digamma, erfc, erfInv, logGamma, polygamma } from './primitives/elementwise/special.ts';
export { acos, asin, atan, atan2, sinc } from './primitives/elementwise/trigonometry.ts';
export { determinant, slogdet } from './primitives/linear-algebra/determinants.ts';
export type { TriangularSolveOptions } from './primitives/linear-algebra/linear-systems.ts';
export { cholesky, solve, triangularSolve } from './primitives/linear-algebra/linear-systems.ts';
export type { MatmulOptions } from './primitives/linear-algebra/matmul.ts';
export { matmul, treeSum } from './primitives/linear-algebra/matmul.ts';
export { qr } from './primitives/linear-algebra/qr.ts';
export type { PinvOptions } from './primitives/linear-algebra/spectral.ts';
export { eigh, pinv, svd } from './primitives/linear-algebra/spectral.ts';
export { foldIn, keyTensor, randomBits, uniform } from './primitives/random/bits.ts';
export { permutation } from './primitives/random/permutation.ts';
export type { CumulativeOptions } from './primitives/reduce/cumulative.ts';
export { cumMax, cumMin, cumSum } from './primitives/reduce/cumulative.ts';
export { argmax, argmin, max, min } from './primitives/reduce/extrema.ts';
export type { SortOptions } from './primitives/reduce/order.ts';
export { argSort, searchSorted } from './primitives/reduce/order.ts';
export type { ReduceOptions } from './primitives/reduce/sum.ts';
export { broadcastTo, sum } from './primitives/reduce/sum.ts';
export { concatenate, stack } from './primitives/shape/concatenate.ts';
export { gather, scatterAdd } from './primitives/shape/gather.ts';
export { reshape, transpose } from './primitives/shape/reshape.ts';
export type { Position } from './primitives/shape/slicing.ts';
export { flip, slice } from './primitives/shape/slicing.ts';
export { allReduceSum } from './primitives/sharding/exchange.ts';
export type { ShardMoments } from './primitives/sharding/moments.ts';
export { localMoments, shardMoments } from './primitives/sharding/moments.ts';
export { useProfile, withProfile } from './profile.ts';
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
export type { PlanOptions } from './program/plan.ts';
export { planProgram } from './program/plan.ts';
export type { BucketOp, Plan, PlannedBucket } from './program/planned.ts';
export type { Equation, Program } from './program/program.ts';
export { formatProgram } from './program/program.ts';
export { programHash } from './program/program-hash.ts';
export type { Planner, PlannerOptions } from './program/shared-plans.ts';
export { createPlanner } from './program/shared-plans.ts';
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
export type { Aval, NestedNumbers } from './tensor.ts';
export { ConcreteTensor, Tensor } from './tensor.ts';
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
