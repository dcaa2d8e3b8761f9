// Tables of TPE on Hartmann6 where 1, 2 and 4 trials are computed at once: ours, and Optuna's with as many jobs. Each is computed twice.
// Exits with 1 if ours differ.
// node bench/search/jobs.mjs [--trials 60] [--seed 7]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createStudy, minimize, tableOf, tpe, uniform } from '@lockstep/search';
import { python } from '../torch.mjs';
import { functions } from './functions.mjs';
import { parse } from './results.mjs';

const { values } = parseArgs({
  options: { trials: { type: 'string', default: '60' }, seed: { type: 'string', default: '7' } },
});
const counts = [1, 1, 2, 2, 4, 4];
const objectives = [minimize('value')];
const { at, bounds } = functions.hartmann6;

const ours = [];
for (const jobs of counts) ours.push({ library: 'Lockstep', jobs, ...(await search(jobs)) });
const rows = [...ours, ...optuna()];
for (const { library, jobs, sha256, best } of rows) {
  console.log(`${library.padEnd(14)} ${jobs} at once   ${sha256.slice(0, 12)}   best ${best.toPrecision(6)}`);
}
process.exitCode = new Set(ours.map(({ sha256 }) => sha256)).size === 1 ? 0 : 1;

/** `jobs` loops ask for trials and tell their values. A loop that has to wait asks again when another one has told. */
async function search(jobs) {
  const study = createStudy({
    space: Object.fromEntries(bounds.map(([lo, hi], i) => [`x${i}`, uniform(lo, hi)])),
    ...{
      search: tpe(),
      seed: Number(values.seed),
      generation: 4,
      objectives,
      numTrials: Number(values.trials),
    },
  });
  const running = new Set();
  for (let next = study.ask(); next !== 'done' || running.size > 0; next = study.ask()) {
    if (typeof next === 'object') {
      const trial = evaluate(study, next).finally(() => running.delete(trial));
      running.add(trial);
    }
    if (typeof next === 'string' || running.size === jobs) await Promise.race(running);
  }
  const sha256 = createHash('sha256').update(tableOf(study.recorded(), objectives)).digest('hex');
  return { sha256, best: study.best().result.values[0] };
}

async function evaluate(study, { number, params }) {
  const value = at(bounds.map((_, i) => params[`x${i}`]));
  // Trials take between 1 and 3 ms, of which the search knows nothing.
  await setTimeout(1 + 2 * Math.random());
  study.tell(number, { status: 'complete', values: [value] });
}

function optuna() {
  const [command, ...flags] = python;
  const file = fileURLToPath(new URL('jobs.py', import.meta.url));
  const options = ['--jobs', counts.join(), '--trials', values.trials, '--seed', values.seed];
  const { status, stdout, stderr } = spawnSync(command, [...flags, file, ...options], { encoding: 'utf8' });
  if (status === 0) return parse(stdout);
  console.log(`Optuna is skipped: ${stderr?.trim().split('\n').at(-1)}`);
  return [];
}
