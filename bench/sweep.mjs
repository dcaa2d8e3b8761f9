/**
 * Trials of twenty steps of the softmax on MNIST with an evaluation, in trials per second: a sweep of ours with 1 and 2 workers, beside
 * Optuna that drives PyTorch in one process and in a pool of two. One thread each; the contestants take turns.
 *
 *   node bench/sweep.mjs [--trials 200] [--rounds 1] [--python '/usr/bin/python3 -B']
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fillBatch, mnist } from '@lockstep/data';
import { machine } from './history.mjs';
import { quantile } from './measure.mjs';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '1' },
    // Debian 12 has PyTorch 1.13. Another Python must see the folder for temporary files (TMPDIR).
    python: { type: 'string', default: '/usr/bin/python3 -B' },
  },
});
const numTrials = Number(values.trials);
/** Trials before the rate is measured: the first ones compile. */
const numWarm = 10;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'lockstep-sweep-'));
try {
  await prepare();
  console.log(`${numTrials} trials; ${machine()}, load ${loadavg()[0].toFixed(1)}`);
  const results = { ours: new Map(), torch: new Map() };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const count of [1, 2]) {
      note(results.ours, count, await measure(oursWith(count)));
      note(results.torch, count, await measure(torchWith(count)));
    }
  }
  print(results);
} finally {
  await rm(folder, { recursive: true });
}

/** Writes what PyTorch needs: its program, and the samples of both splits as plain arrays, so that both sides train on the same ones. */
async function prepare() {
  for (const file of ['common.py', 'sweep.py']) await copyFile(here(`torch/${file}`), join(folder, file));
  const { splits } = await mnist().load();
  for (const name of ['train', 'test']) {
    const { size } = splits[name];
    const x = new Float32Array(size * 784);
    const y = new Int32Array(size);
    fillBatch(
      splits[name],
      Int32Array.from({ length: size }, (_, i) => i),
      { x, y },
    );
    await writeFile(join(folder, `${name}.x`), x);
    await writeFile(join(folder, `${name}.y`), y);
  }
}

function oursWith(count) {
  const args = ['sweep', here('experiments/softmax-sweep.mjs'), '--json', '--sweep-root', folder];
  const command = [process.execPath, here('../apps/cli/bin/lockstep.mjs'), ...args];
  return [...command, '--workers', `${count}`, '--threads', '1'];
}

function torchWith(count) {
  const args = ['--trials', `${numTrials}`, '--processes', `${count}`, '--data', folder];
  return [...values.python.split(' '), join(folder, 'sweep.py'), ...args];
}

/** Seconds from the start to the first trial's result and to the end, and trials per second after the first ones. */
async function measure([command, ...args]) {
  const startedAt = performance.now();
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BENCH_TRIALS: `${numTrials}` },
  });
  const ended = once(child, 'close');
  const times = [];
  let done = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const printed = JSON.parse(line);
    if (printed.event === 'trial') times.push((performance.now() - startedAt) / 1_000);
    if (printed.event === 'done') done = printed;
  }
  const [status] = await ended;
  const seconds = (performance.now() - startedAt) / 1_000;
  if (status !== 0 || times.length !== numTrials)
    throw new Error(`${command} ${args.join(' ')}: exit ${status}`);
  const rate = (numTrials - numWarm) / (times.at(-1) - times[numWarm - 1]);
  return { first: times[0], seconds, rate, best: done.best?.value ?? done.value, versions: done.versions };
}

function note(results, count, result) {
  results.set(count, [...(results.get(count) ?? []), result]);
}

function print({ ours, torch }) {
  const median = (results, key) =>
    quantile(
      results.map((one) => one[key]),
      0.5,
    );
  const row = (name, results) => ({
    contestant: name,
    'trials/s': Number(median(results, 'rate').toFixed(2)),
    'first trial, s': Number(median(results, 'first').toFixed(2)),
    'whole command, s': Number(median(results, 'seconds').toFixed(2)),
    best: Number(median(results, 'best').toFixed(4)),
  });
  console.log(torch.get(1)[0].versions);
  console.table(
    [1, 2].flatMap((count) => [
      row(`ours, ${count} worker${count > 1 ? 's' : ''}`, ours.get(count)),
      row(`Optuna and PyTorch, ${count} process${count > 1 ? 'es' : ''}`, torch.get(count)),
    ]),
  );
  for (const count of [1, 2]) {
    const ratios = ours.get(count).map(({ rate }, round) => rate / torch.get(count)[round].rate);
    const all = ours.get(count).map(({ seconds }, round) => torch.get(count)[round].seconds / seconds);
    const text = (list) => list.map((ratio) => ratio.toFixed(2)).join(', ');
    console.log(
      `${count} at once: ours ÷ PyTorch ${text(ratios)} in trials per second, ${text(all)} as whole commands`,
    );
  }
}
