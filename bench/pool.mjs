/**
 * What a run costs in a warm pool: trials of twenty steps that differ in a number, one after the other on each worker.
 *
 *   node bench/pool.mjs [--workers 1] [--trials 20] [--durability trial|full]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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

/** Seconds of processor time that this process and the workers have used. Unlike other times, it hardly depends on other programs. */
async function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  const stats = await Promise.all(workers.map(({ child }) => readFile(`/proc/${child.pid}/stat`, 'utf8')));
  const ticks = stats.map((stat) => {
    // After the name in brackets: fields 14 and 15, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return { coordinator: (user + system) / 1e6, workers: ticks.reduce((sum, one) => sum + one, 0) / 100 };
}

await new Promise((resolve) => {
  const look = () => (pool.numWorkers() === numWorkers ? resolve() : setTimeout(look, 10));
  look();
});
const results = [];
// The first trial of each worker loads and compiles.
let next = 0;
await Promise.all(workers.map(async () => results.push(await trial(next++))));
const [beganAt, cpuBefore] = [performance.now(), await cpuSeconds()];
const numFirst = next;
await Promise.all(
  workers.map(async () => {
    while (next < numTrials) results.push(await trial(next++));
  }),
);
const seconds = (performance.now() - beganAt) / 1_000;
const cpuAfter = await cpuSeconds();
const names = Object.keys(results[0].times);
const round = (ms) => Number(ms.toFixed(1));
console.table(
  Object.fromEntries(
    names.map((name) => {
      const [first, ...later] = results.map(({ times }) => times[name]).filter((time) => time !== undefined);
      later.sort((one, other) => one - other);
      const median = later[Math.floor(later.length / 2)];
      return [name, { 'first trial': round(first), median: round(median), least: round(later[0]) }];
    }),
  ),
);
const numLater = numTrials - numFirst;
console.log(`${numLater} later trials on ${numWorkers} workers: ${(numLater / seconds).toFixed(2)} trials/s`);
const cpuOf = (who) => round((1_000 * (cpuAfter[who] - cpuBefore[who])) / numLater);
console.log(`processor time of each: ${cpuOf('coordinator')} ms here, ${cpuOf('workers')} ms in workers`);
await pool.close();
for (const { child } of workers) child.stdin.end();
await Promise.all(workers.map(({ ended }) => ended));
await rm(root, { recursive: true });
