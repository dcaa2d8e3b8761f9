/** Memory that reverse mode keeps outside of programs, measured in a separate process without other garbage. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { checkpoint, type Tensor, tensor, vjp } from '@lockstep/autodiff';
import { expect, it } from 'vitest';

type Block = (x: Tensor, w: Tensor) => Tensor;
const block: Block = (x, w) => x.matmul(w).tanh().matmul(w.transpose()).sigmoid();

const NUM_BLOCKS = 16;
const ROWS = 512;

it('a chain of checkpoints keeps the inputs of its blocks alone', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const rows = tensor(new Float32Array(ROWS * 32), { shape: [ROWS, 32] });
  const weights = Array.from({ length: NUM_BLOCKS }, (_, i) =>
    tensor(new Float32Array(32 * 128).fill(i / 100), { shape: [32, 128] }),
  );
  /** Bytes of arrays that the pullback holds. */
  const held = (kept: Block): number => {
    const chain = (x: Tensor): Tensor => weights.reduce((y, w) => kept(y, w), x).sum();
    collect();
    const before = process.memoryUsage().arrayBuffers;
    const [, pull] = vjp(chain, rows);
    collect();
    const bytes = process.memoryUsage().arrayBuffers - before;
    expect(pull(tensor(1, { dtype: 'float32' }))[0].shape).toEqual([ROWS, 32]);
    return bytes;
  };
  const ofBlock = ROWS * (32 + 128) * 4;
  // Without a checkpoint, reverse mode keeps at least the results of each block's two matmuls; with it, only block inputs.
  expect(held(block)).toBeGreaterThan(NUM_BLOCKS * ofBlock);
  expect(held(checkpoint(block) as Block)).toBeLessThan((NUM_BLOCKS * ofBlock) / 4);
});
