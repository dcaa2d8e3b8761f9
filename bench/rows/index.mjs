/**
 * The rows of the bench. Each: `name`; `what` it is; `shards`, the numbers of shards it is measured with; `torch`,
 * PyTorch's program for it with its arguments; and `prepare(numShards)`, which makes the `call` to be timed and a
 * `check` whose value must be finite afterwards.
 */
import { adamRow } from './adam.mjs';
import { cnnRow } from './cnn.mjs';
import { mlpRow } from './mlp.mjs';

export const rows = [...[32, 128, 256, 1024].map(mlpRow), cnnRow(64), adamRow];
