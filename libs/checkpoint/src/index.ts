/** Atomic save and restore, in safetensors files. */
export type { Metadata, Tensors } from '@lockstep/formats';
export { decodeSafetensors, encodeSafetensors } from '@lockstep/formats';
export type {
  Checkpoint,
  CheckpointFiles,
  CheckpointHeader,
  LoadedCheckpoint,
  NewestCheckpoint,
  SaveOptions,
  SkippedCheckpoint,
} from './checkpoint.ts';
export {
  checkpointFolder,
  listCheckpoints,
  loadCheckpoint,
  newestCheckpoint,
  removeCheckpoint,
  saveCheckpoint,
} from './checkpoint.ts';
export { tensorsOfTree, treeOfTensors } from './trees.ts';
