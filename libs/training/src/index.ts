/** The shard program, the update program and the step. */
export type { BatchFiller, BatchSlot } from './batches.ts';
export { createBatchFiller } from './batches.ts';
export { combineWith } from './combine.ts';
export type { ProgramsDescription } from './describe.ts';
export { describePrograms } from './describe.ts';
export { evaluationMetrics } from './evaluation.ts';
export type { BatchSupply, Executor, ExecutorOptions, Parity } from './executor.ts';
export { createExecutor, evaluationSlot, other } from './executor.ts';
export type {
  Batch,
  EarlyStopping,
  Experiment,
  FunctionExperiment,
  ModelExperiment,
  RunConfig,
  RunOverrides,
} from './experiment.ts';
export { defineExperiment, isExperiment, resolveConfig } from './experiment.ts';
export { extendChain, fingerprint } from './fingerprint.ts';
export type { BlockLayout, Slot, WorkerLayout } from './layout.ts';
export { layoutWorker, viewer } from './layout.ts';
export type { LocalOptions, LocalResult } from './local.ts';
export { trainLocally } from './local.ts';
export type { ProgramSet } from './program-set.ts';
export { exportPrograms, importPrograms } from './program-set.ts';
export type { Programs } from './programs.ts';
export { compilePrograms } from './programs.ts';
export type { Progress, Schedule } from './schedule.ts';
export { afterEvaluation, createSchedule, initialProgress } from './schedule.ts';
export type { Variable } from './trees.ts';
