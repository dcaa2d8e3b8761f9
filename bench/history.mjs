import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';

const FILE = new URL('history.jsonl', import.meta.url);

/** One line per row: date, commit, machine and backend, figures with quartiles, ratios with extremes. */
export function append(results, { profile, backend, torch, peers }) {
  const facts = {
    date: new Date().toISOString(),
    ...commit(),
    machine: machine(),
    node: process.version,
    profile,
    backend,
    torch,
    peers,
  };
  const lines = results.map(({ name, measured = 'ms', figures, ratios }) =>
    JSON.stringify({ ...facts, row: name, measured, figures, ratios }, rounded),
  );
  appendFileSync(FILE, `${lines.join('\n')}\n`);
}

export function machine() {
  const cores = cpus();
  return `${cores[0]?.model.trim() || arch()}, ${cores.length} cores`;
}

/** The commit, and whether the sources have uncommitted changes. */
function commit() {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'libs', 'bench', ':!bench/history.jsonl') !== '';
  return { commit: git('rev-parse', '--short', 'HEAD'), changed };
}

/** Rounds to four digits; the noise of the machine is larger. */
function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
