/** Memory stays flat over long runs. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fingerprintOf, startCluster } from '../cluster/harness/cluster.ts';
import { loadExperiment } from '../cluster/harness/experiment.ts';
import { growthOf } from './quarters.ts';

const timeout = 600_000;
/** A small heap is collected often, so growth shows only memory that is never freed. */
const nodeOptions = ['--max-old-space-size=40', '--max-semi-space-size=1'];

it('of a worker over 10,000 training steps', { timeout }, async () => {
  const numSteps = 10_000;
  // V8 compiles and grows its heap for a while.
  const numWarmUp = 10_000;
  const experiment = await loadExperiment('tiny', { steps: numWarmUp + numSteps });
  const cluster = await startCluster({ experiment, workers: 1, nodeOptions });
  const [worker] = cluster.workers;
  const resident: number[] = [];
  cluster.onUpdate((update) => {
    if (update.type !== 'progress' || update.step <= numWarmUp || update.step % 50 !== 0) return;
    resident.push(residentBytes(worker!.pid));
  });
  fingerprintOf(await cluster.end());
  expect(resident).toHaveLength(numSteps / 50);
  const measured = growthOf(resident);
  console.log('worker, resident set in MB:', measured);
  expect(measured.growth).toBeLessThan(3);
});

it('of 100,000 synchronous eager gradient steps', { timeout }, async () => {
  const program = fileURLToPath(new URL('fixtures/eager-gradients.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeOptions, program]);
  const { heap, resident, loss } = JSON.parse(stdout) as {
    readonly heap: readonly number[];
    readonly resident: readonly number[];
    readonly loss: number;
  };
  expect(loss).toBeLessThan(0.1);
  const measured = { heap: growthOf(heap), resident: growthOf(resident) };
  console.log('eager gradients, in MB:', measured);
  expect(measured.heap.growth).toBeLessThan(3);
  expect(measured.resident.growth).toBeLessThan(3);
});

/** Memory of a process at this moment. */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]);
}
