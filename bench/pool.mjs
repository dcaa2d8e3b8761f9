/**
 * What a run costs in a warm pool: trials of twenty steps that differ in a number, one after the other on each worker.
 *
 *   node bench/pool.mjs [--workers 1] [--trials 20] [--durability trial|full]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPool } from '@lockstep/coordinator';
import { createRun } from '@lockstep/tracking';
import { resolveConfig, resolveExperiment } from '@lockstep/training';
import { buildHash, version, workerEntry } from '@lockstep/worker';
import { build } from 'esbuild';
import { pino } from 'pino';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1' },
    trials: { type: 'string', default: '20' },
    durability: { type: 'string', default: 'trial' },
    experiment: { type: 'string', default: 'softmax-trials' },
    verbose: { type: 'boolean', default: false },
  },
});
const numWorkers = Number(values.workers);
const numTrials = Number(values.trials);
const file = fileURLToPath(new URL(`experiments/${values.experiment}.mjs`, import.meta.url));
const { outputFiles } = await build({
  ...{ bundle: true, packages: 'external', format: 'esm', platform: 'node', write: false },
  entryPoints: [file],
});
const bundle = outputFiles[0].contents;
const { default: template } = await import(file);

const root = await mkdtemp(join(tmpdir(), 'lockstep-pool-'));
const pool = await startPool({
  ...{ bind: 'tcp://127.0.0.1:0', version, build: buildHash(), profile: 'auto' },
  logger: pino({ level: values.verbose ? 'info' : 'warn' }),
});
const workers = Array.from({ length: numWorkers }, () => {
  const args = [fileURLToPath(workerEntry), '--join', pool.endpoint, '--threads', '1', '--managed'];
  const child = spawn(process.execPath, [...args, '--log-level', 'warn'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return { child, ended: once(child, 'close') };
});
/** Trains a trial; resolves with the times of its phases in ms. */
async function trial(number) {
  const rate = 0.01 + 0.001 * number;
  const { experiment, params } = resolveExperiment(template, { rate });
  const config = resolveConfig(experiment, { params });
  const startedAt = performance.now();
  const times = {};
  const note = (name) => {
    times[name] ??= performance.now() - startedAt;
  };
  const folder = await createRun({
    ...{ root, name: `trial-${number}`, manifest: { config }, durability: values.durability },
  });
  note('folder');
  const run = await pool.train({
    ...{ run: folder, experiment: { name: 'softmax', bundle }, config: { run: config, name: 'softmax' } },
    numShards: config.numShards,
  });
  note('added');
  run.onUpdate((update) => {
    if (update.type === 'event') note(update.event.type);
    if (update.type === 'progress') note('first step');
  });
  const outcome = await run.done;
  note('done');
  if (outcome.reason !== 'finished') throw new Error(JSON.stringify(outcome));
  await run.close();
  note('closed');
  return { times, outcome };
}

await new Promise((resolve) => {
  const look = () => (pool.numWorkers() === numWorkers ? resolve() : setTimeout(look, 10));
  look();
});
const results = [];
const beganAt = performance.now();
let next = 0;
await Promise.all(
  workers.map(async () => {
    while (next < numTrials) results.push(await trial(next++));
  }),
);
const seconds = (performance.now() - beganAt) / 1_000;
const names = Object.keys(results.at(-1).times);
const round = (ms) => Number(ms.toFixed(1));
console.table(
  Object.fromEntries(
    names.map((name) => {
      const [first, ...later] = results.map(({ times }) => times[name]);
      later.sort((one, other) => one - other);
      const median = later[Math.floor(later.length / 2)];
      return [name, { 'first trial': round(first), median: round(median), least: round(later[0]) }];
    }),
  ),
);
console.log(`${numTrials} trials on ${numWorkers} workers: ${(numTrials / seconds).toFixed(2)} trials/s`);
await pool.close();
for (const { child } of workers) child.stdin.end();
await Promise.all(workers.map(({ ended }) => ended));
await rm(root, { recursive: true });
