import { expect, it, onTestFinished } from 'vitest';
import { createCompiler } from './compiler/compiler.ts';
import { createPool } from './compute/pool.ts';
import { startCompiler, startCompute } from './threads.ts';

// Beside the sources lies no built thread, so that all of these end at once.

it('a pool whose thread has ended rejects every job', async () => {
  const pool = createPool(startCompute(1));
  onTestFinished(() => pool.close());
  // The first job hears of the error, the second may hear of the exit.
  for (let job = 0; job < 3; job++) {
    await expect(pool.runFirst({ order: 'initialize' })).rejects.toThrow(/thread/);
  }
});

it('a compiler whose thread has ended rejects every request', async () => {
  const compiler = createCompiler(startCompiler());
  onTestFinished(() => compiler.close());
  for (let request = 0; request < 3; request++) {
    await expect(compiler.plan([1])).rejects.toThrow(/thread/);
  }
});
