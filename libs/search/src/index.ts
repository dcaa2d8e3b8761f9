/** Everything of a sweep that is a function of its file and of recorded results: no processes, no files, no clock. */
export {
  type AssignedBracket,
  assignBrackets,
  type Bracket,
  bracketSizes,
  type HalvingPlan,
  type HyperbandOptions,
  hyperband,
  type Rung,
  type RungResult,
  type SuccessiveHalvingOptions,
  successiveHalving,
  survivors,
} from './fidelity/halving.ts';
export { isBelowMedian, type MedianOptions, type TrialCurve } from './fidelity/median.ts';
export { type Importance, type ImportanceOptions, importances } from './importance.ts';
export {
  type Direction,
  type Evaluation,
  type MeanAndSpread,
  maximize,
  meanAndSpread,
  minimize,
  type Objective,
  type ObjectiveOptions,
  type Over,
  objectiveValue,
} from './objective.ts';
export { type CmaEsOptions, cmaEs } from './searches/cma-es/cma-es.ts';
export {
  type GaussianProcessOptions,
  gaussianProcess,
} from './searches/gaussian-process/gaussian-process.ts';
export { type GridOptions, grid } from './searches/grid.ts';
export { type LatinHypercubeOptions, latinHypercube } from './searches/latin-hypercube.ts';
export { random } from './searches/random.ts';
export type { Problem, Propose, Search } from './searches/search.ts';
export { type SobolOptions, sobol } from './searches/sobol.ts';
export { maxSobolDimensions } from './searches/sobol-sequence.ts';
export { type TpeOptions, tpe } from './searches/tpe/tpe.ts';
export type { Assignment, AssignmentOf, Condition, Constraints, Dimension } from './space/assignment.ts';
export { dimensionsOf } from './space/assignment.ts';
export { checkSpace } from './space/check.ts';
export {
  type DomainDescription,
  describeDifference,
  describeSpace,
  type SpaceDescription,
  type SpaceDifference,
  spaceDifference,
  spaceOf,
} from './space/describe.ts';
export {
  type ChoiceDomain,
  choice,
  type Domain,
  type IntegerDomain,
  type IntegerOptions,
  integer,
  logUniform,
  type NumberDomain,
  type OneOfDomain,
  oneOf,
  type Space,
  type UniformOptions,
  uniform,
} from './space/domain.ts';
export type { Sizes } from './study/generations.ts';
export type { StudyOptions } from './study/options.ts';
export { hypervolume, paretoFront } from './study/pareto.ts';
export { bestOf, compareTrials, ranked } from './study/rank.ts';
export { createStudy, type Study } from './study/study.ts';
export {
  type RecordedTrial,
  type RepeatResult,
  type RungValues,
  resultOfRepeats,
  type Trial,
  type TrialResult,
  type TrialStatus,
} from './study/trial.ts';
export { tableOf } from './table.ts';
