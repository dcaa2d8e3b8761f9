/** The time from the start of a process to its first training step, and its memory. Compared with torch/startup.py. */
import { startRun, startWorker } from '../processes/cluster.mjs';

const REPEATS = 2;

/** A worker that joins a running coordinator: milliseconds to its first step, MB after a second. */
async function worker(profile) {
  const run = await startRun('coordinator', 'mlp-128', ['--profile', profile]);
  const { endpoint } = await run.next('started');
  const process = startWorker(endpoint);
  const { at } = await run.next('step');
  await run.next('step');
  const memory = await process.peakMemory();
  await run.stop();
  await process.ended;
  return { firstStep: at - process.startedAt, memory };
}

/** The command that trains with two workers: milliseconds to the first step. */
async function cluster(profile) {
  const run = await startRun('train', 'mlp-256', ['--workers', '2', '--threads', '1', '--profile', profile]);
  const { at } = await run.next('step');
  await run.stop();
  return at - run.startedAt;
}

async function measure({ profile }) {
  const figures = { 'first-step': [], 'memory-mlp': [], 'first-step-2': [] };
  for (let i = 0; i < REPEATS; i++) {
    const { firstStep, memory } = await worker(profile);
    figures['first-step'].push(firstStep);
    figures['memory-mlp'].push(memory);
    figures['first-step-2'].push(await cluster(profile));
  }
  return figures;
}

export const startupGroup = {
  name: 'startup',
  rows: [
    { name: 'first-step', what: 'start of a worker to its first step of the MLP, batch 128' },
    { name: 'first-step-2', what: 'start of everything to the first step of two workers' },
    { name: 'memory-mlp', what: 'peak memory of a worker on the MLP, batch 128', measured: 'MB' },
  ],
  contestants: { ours: { measure }, torch: { python: ['startup.py'] } },
};
