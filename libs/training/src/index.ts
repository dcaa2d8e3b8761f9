/** Experiments, the programs compiled from them, and the execution of steps. */

export type { ComputedRecord } from './computed-record.ts';
export { defineExperiment, definitionOf, isExperiment } from './define-experiment.ts';
export type { ProgramsDescription } from './describe.ts';
export { describePrograms } from './describe.ts';
export type {
  BatchSupply,
  Executor,
  ExecutorHooks,
  ExecutorOptions,
  ReducedSums,
  UpdateOptions,
} from './executor.ts';
export { createExecutor } from './executor.ts';
export type { Batch, Experiment, FunctionExperiment, Inputs, ModelExperiment } from './experiment.ts';
export type { UpdateHistograms } from './histograms.ts';
export { idleSteps } from './idle-optimizer.ts';
export type { LocalOptions, LocalResult } from './local.ts';
export { trainLocally } from './local.ts';
export type { LocalWorker, LocalWorkerOptions } from './local-worker.ts';
export { createLocalWorker } from './local-worker.ts';
export type { PlanCache, PlanCacheOptions } from './plan-cache.ts';
export { createPlanCache } from './plan-cache.ts';
export { type FaultPlace, type PlantedFault, plantFault } from './planted-fault.ts';
export type { HashesOfPrograms } from './program-hashes.ts';
export { hashesOf } from './program-hashes.ts';
export type { CompileOptions } from './programs.ts';
export { compilePrograms } from './programs.ts';
export type { StepValue } from './replicated-values.ts';
export type { RunOverrides } from './resolve-config.ts';
export { resolveConfig } from './resolve-config.ts';
export { type BatchRule, type BatchScaleOptions, batchRules, scaleWithBatch } from './scale-with-batch.ts';
export type { Searched } from './search.ts';
export { searchNonFinite } from './search.ts';
export type { StepOptions } from './step-inputs.ts';
export { columnsOf } from './step-inputs.ts';
export type { ForwardStep, NamedLayer } from './step-values.ts';
export { forwardStep, namedLayers, sampleGradient, stepGradients } from './step-values.ts';
export type { ExperimentTemplate, ResolvedExperiment } from './template.ts';
export { isTemplate, resolveExperiment } from './template.ts';
export type { UpdateResult } from './updater.ts';
