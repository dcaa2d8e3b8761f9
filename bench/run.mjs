// Measures the rows, prints a table and appends it to history.jsonl; with --torch beside PyTorch. See README.md.
// node bench/run.mjs [--torch] [--rounds 2] [--seconds 3] [row …]
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { append } from './history.mjs';
import { quantile, range, summary } from './measure.mjs';
import { rows } from './rows/index.mjs';
import { formatTable, headline } from './table.mjs';
import { findTorch, python } from './torch.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    torch: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '3' },
  },
});
const rounds = wholeNumber('rounds');
const seconds = wholeNumber('seconds');
const chosen = chooseRows(positionals);

const torch = values.torch ? findTorch() : {};
if (torch.missing !== undefined) {
  console.log(`bench:torch is skipped: ${torch.missing}`);
  process.exit(0);
}
console.log(headline({ rounds, seconds, torch: torch.versions }));
const results = chosen.map(measureRow);
console.log(formatTable(results, values.torch));
append(results, torch.versions);

/** All contestants of a row in turn, A B A B: each measurement is a process of its own. */
function measureRow(row) {
  const contestants = [
    ...row.shards.map((shards) => ({ name: `s${shards}`, run: () => measureOurs(row.name, shards) })),
    ...(values.torch ? [{ name: 'torch', run: () => measureTorch(row.torch) }] : []),
  ];
  const times = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contestants) {
      process.stderr.write(`  ${row.name} ${name}, round ${round + 1} of ${rounds}\n`);
      times[name].push(run());
    }
  }
  return { row: row.name, what: row.what, ...summarize(times) };
}

/** Times over all slices of a contestant; ratios of the medians that two contestants had in the same round. */
function summarize(times) {
  const ms = mapValues(times, (parts) => summary(parts.flat()));
  const medians = mapValues(times, (parts) => parts.map((part) => quantile(part, 0.5)));
  const ratio = (above, below) =>
    medians[above] && medians[below] && range(medians[above].map((value, i) => value / medians[below][i]));
  return {
    ms,
    ratios: {
      'torch/s1': ratio('torch', 's1'),
      'torch/s8': ratio('torch', 's8'),
      's8/s1': ratio('s8', 's1'),
    },
  };
}

function mapValues(object, f) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]));
}

function measureOurs(name, shards) {
  return slicesOf(process.execPath, [here('row.mjs'), name, `${shards}`, `${seconds}`]);
}

function measureTorch([program, ...args]) {
  const [command, ...flags] = python;
  return slicesOf(command, [...flags, here(`torch/${program}`), ...args, '--seconds', `${seconds}`]);
}

function slicesOf(command, args) {
  const output = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(output).slicesMs;
}

function chooseRows(names) {
  const unknown = names.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length > 0) {
    fail(`there is no row ${unknown.join(', ')}; there are ${rows.map(({ name }) => name).join(', ')}`);
  }
  return names.length === 0 ? rows : rows.filter(({ name }) => names.includes(name));
}

function wholeNumber(option) {
  const value = Number(values[option]);
  if (!Number.isSafeInteger(value) || value < 1) {
    fail(`--${option} is ${values[option]}; give a whole number of at least 1`);
  }
  return value;
}

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
