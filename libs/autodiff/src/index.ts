/** The array type, the primitive table and the transformations. */
import './methods.ts';

export type { NumberArray, TensorLike } from './convert.ts';
export { arange, asTensor, full, ones, onesLike, tensor, zeros, zerosLike } from './convert.ts';
export type { Attrs, Aval, BatchAxis, Batched, BoundKernel, NestedNumbers, Primitive } from './core.ts';
export { bind, ConcreteTensor, Tensor } from './core.ts';
export { allPrimitives, primitive, primitiveNamed } from './define.ts';
export type { MatmulOptions } from './primitives/contraction.ts';
export { matmul, treeSum } from './primitives/contraction.ts';
export type { Conv1dOptions, Conv2dOptions } from './primitives/convolve.ts';
export { conv1d, conv2d } from './primitives/convolve.ts';
export type { ConvTranspose1dOptions, ConvTranspose2dOptions } from './primitives/convolve-transposed.ts';
export { convTranspose1d, convTranspose2d } from './primitives/convolve-transposed.ts';
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
export { gather, oneHot, scatterAdd } from './primitives/indexing.ts';
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
export { bernoulli, foldIn, keyTensor, normal, randomBits, uniform } from './primitives/random.ts';
export { argmax, logSoftmax, logSumExp, max, mean, min, softmax } from './primitives/reductions.ts';
export type { Combine, ShardMoments } from './primitives/sharding.ts';
export { allReduceSum, localMoments, shardMoments } from './primitives/sharding.ts';
export { at, concatenate, flip, pad, slice, stack } from './primitives/slicing.ts';
export type { ReduceOptions } from './primitives/structural.ts';
export { broadcastTo, reshape, sum, transpose } from './primitives/structural.ts';
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
export { inlineCalls } from './program/inline.ts';
export type { ExchangeBuffers, Instance, InstanceOptions } from './program/instance.ts';
export { instantiate } from './program/instance.ts';
export type { ExchangePart, Plan, PlanOptions } from './program/plan.ts';
export { planProgram } from './program/plan.ts';
export type { Equation, Program } from './program/program.ts';
export { formatProgram, programHash } from './program/program.ts';
export { traceProgram } from './program/trace.ts';
export type { Call, Expression } from './teach/expression.ts';
export { evaluateExpression } from './teach/expression.ts';
export type { Style } from './teach/notation.ts';
export { formatExpression } from './teach/notation.ts';
export type { Formula, MathProgram, Step } from './teach/program-of.ts';
export { programOf } from './teach/program-of.ts';
export { simplify } from './teach/simplify.ts';
export type { CheckGradsOptions } from './transform/check-grads.ts';
export { checkGrads } from './transform/check-grads.ts';
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
export { checkpoint } from './transform/checkpoint.ts';
export { customJvp, customVjp } from './transform/custom.ts';
export { jit, runAlone } from './transform/jit.ts';
export { jvp } from './transform/jvp.ts';
export type { NumericalGradOptions } from './transform/numerical.ts';
export { numericalGrad } from './transform/numerical.ts';
export type { Gradient, Gradients, Input, Inputs } from './transform/types.ts';
export { grad, valueAndGrad, valueAndGradWithAux, vjp } from './transform/vjp.ts';
export type { InAxis, VmapOptions } from './transform/vmap.ts';
export { overShards, vmap } from './transform/vmap.ts';
