/** safetensors and atomic save and restore. */
export type {
  Checkpoint,
  CheckpointFiles,
  CheckpointHeader,
  LoadedCheckpoint,
  SkippedCheckpoint,
} from './checkpoint.ts';
export { listCheckpoints, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
export type { Metadata, Tensors } from './safetensors.ts';
export { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
export { tensorsOfTree, treeOfTensors } from './trees.ts';
