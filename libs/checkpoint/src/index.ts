/** Atomic save and restore, in safetensors files. */
export type { Metadata, Tensors } from '@lockstep/formats';
export { decodeSafetensors, encodeSafetensors } from '@lockstep/formats';
export type {
  Checkpoint,
  CheckpointFileHash,
  CheckpointFiles,
  CheckpointHeader,
  LoadedCheckpoint,
  NewestCheckpoint,
  SavedCheckpoint,
  SaveOptions,
  SkippedCheckpoint,
} from './checkpoint.ts';
export {
  checkpointFolder,
  checkpointHashes,
  listCheckpoints,
  loadCheckpoint,
  newestCheckpoint,
  removeCheckpoint,
  saveCheckpoint,
} from './checkpoint.ts';
export { defaultKeep, type Keep, keepOf, surplusSteps } from './retention.ts';
export { tensorsOfTree, treeOfTensors } from './trees.ts';
