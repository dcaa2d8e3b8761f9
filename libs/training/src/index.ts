/** The shard program, the update program and the step. */
export * from '@lockstep/run';
export type { ProgramsDescription } from './describe.ts';
export { describePrograms } from './describe.ts';
export type { BatchSupply, Executor, ExecutorOptions, UpdateResult } from './executor.ts';
export { createExecutor } from './executor.ts';
export type {
  Batch,
  Experiment,
  FunctionExperiment,
  Inputs,
  ModelExperiment,
  RunOverrides,
} from './experiment.ts';
export { defineExperiment, definitionOf, isExperiment, resolveConfig } from './experiment.ts';
export { idleSteps } from './idle-optimizer.ts';
export type { LocalOptions, LocalResult } from './local.ts';
export { trainLocally } from './local.ts';
export type { HashesOfPrograms } from './program-hashes.ts';
export { hashesOf } from './program-hashes.ts';
export { compilePrograms } from './programs.ts';
export type { Searched, SearchOptions } from './search.ts';
export { searchNonFinite } from './search.ts';
export type { ExperimentTemplate, ResolvedExperiment } from './template.ts';
export { isTemplate, resolveExperiment } from './template.ts';
