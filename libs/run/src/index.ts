/**
 * Everything about a run except the tracing of its programs. Nothing here computes derivatives, so threads that
 * import only this stay small.
 */
export type { BatchFiller, BatchFillerOptions, BatchSlot } from './batches.ts';
export { createBatchFiller, evaluationSlot, trainingSlot } from './batches.ts';
export type { CheckpointFacts, SavedState } from './checkpoint-facts.ts';
export { checkpointFacts } from './checkpoint-facts.ts';
export { combineWith } from './combine.ts';
export type { EarlyStopping, RunConfig } from './config.ts';
export { evaluationMetrics } from './evaluation.ts';
export {
  chainAfter,
  extendChain,
  fingerprint,
  fingerprintInPieces,
  type StateHashes,
  stateHashes,
  stateHashesInPieces,
} from './fingerprint.ts';
export type { Grouped, Groups } from './groups.ts';
export { itemsOf, pack, placesOf, unpack } from './groups.ts';
export { initKey, shardKey } from './keys.ts';
export type { BlockLayout, Slot, WorkerLayout } from './layout.ts';
export { layoutWorker, viewer } from './layout.ts';
export type { NonFinite, NonFiniteRule } from './non-finite.ts';
export {
  firstNonFinite,
  goesOn,
  isFiniteGuard,
  nonFiniteParts,
  nonFiniteRule,
} from './non-finite.ts';
export type { ProgramSet } from './program-set.ts';
export { exportPrograms, importPrograms } from './program-set.ts';
export type { Evaluated, ProgramForm, Programs, Variable } from './programs.ts';
export type { DigestPlace, RecordContents, RecordForm, RecordLayout, RecordMode } from './record.ts';
export { isChain } from './record.ts';
export type { ExchangedVariable } from './record-names.ts';
export { exchangedVariables } from './record-names.ts';
export type { ReplicaCopy } from './replica-copy.ts';
export { otherCopy } from './replica-copy.ts';
export { fillArray, fillReplica, misfit, replicaVariables } from './replica-variables.ts';
export type { Progress, Schedule } from './schedule.ts';
export { afterEvaluation, createSchedule, initialProgress } from './schedule.ts';
export {
  evaluationSignature,
  guardGroups,
  initInputs,
  initSignature,
  modelGroups,
  packArrays,
  replicaGroups,
  shardSignature,
  sumGroups,
  updateSignature,
} from './signatures.ts';
export type { Source } from './source-place.ts';
export { atSource, bundleFolder, moduleName, placed, placedLater, placeInSource } from './source-place.ts';
export type { SamplingConfig } from './training-samples.ts';
export { trainingSamples } from './training-samples.ts';
