import { expect, it, onTestFinished, vi } from 'vitest';
import { createCompiler } from './compiler/compiler.ts';
import { ABORTED, gate } from './compute/commands.ts';
import { createPool } from './compute/pool.ts';
import { startCompiler, startCompute } from './threads.ts';

// No built thread lies beside the sources, so that all threads of these tests end at once.

it('a pool whose thread has ended rejects every job', async () => {
  const pool = createPool(startCompute(1));
  onTestFinished(() => pool.close());
  // The first job fails with the error, the second may fail with the exit.
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

it('marks a step as aborted before it wakes threads as if all had arrived', async () => {
  const threads = startCompute(2);
  const pool = createPool(threads);
  onTestFinished(() => pool.close());
  const store = vi.spyOn(Atomics, 'store');
  onTestFinished(() => store.mockRestore());
  pool.abortStep();
  const stored = store.mock.calls
    .filter(([array]) => Object.is(array, threads.gates))
    .map(([, word, to]) => [word, to]);
  expect(stored).toEqual([
    [gate.passed, ABORTED],
    [gate.arrived, ABORTED],
  ]);
});
