// Prints the recorded regrets as tables for docs/searches.md, ours beside Optuna's. Exits with 1 if a median of ours, one trial at a
// time, is above Optuna's upper quartile over as many seeds.
// node bench/search/table.mjs [--add FILE]    FILE has lines of peer.py, which are recorded first
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { budgets, formatQuartiles, parse, read, record } from './results.mjs';

const { values } = parseArgs({ options: { add: { type: 'string' } } });
if (values.add !== undefined) record(parse(readFileSync(values.add, 'utf8')));

const results = read();
const ours = results.filter(({ library }) => library === 'lockstep');
const find = (list, name, search, generation) =>
  list.find((one) => one.function === name && one.search === search && one.generation === generation);
const unique = (list) => [...new Set(list)];
const searches = unique(ours.map(({ search }) => search));
const functions = unique(ours.map((one) => one.function));
const theirs = results.filter(({ library }) => library !== 'lockstep');

const worse = [];
console.log(
  `| function | search | | ${budgets.map((n) => `${n} trials`).join(' | ')} |\n|---|---|---|---|---|---|`,
);
for (const name of functions) {
  for (const search of searches) {
    const own = find(ours, name, search, 1);
    if (own === undefined) continue;
    const peers = theirs.filter((one) => one.function === name && one.search === search);
    printRow([name, search, 'Lockstep'], own);
    for (const peer of peers) {
      const isFull = peer.seeds === own.seeds;
      const seeds = isFull ? '' : `, ${peer.seeds} seeds`;
      printRow([name, search, `${peer.library.replace('optuna', 'Optuna')}${seeds}`], peer);
      // The quartiles of a few seeds are no bound.
      for (const n of isFull ? budgets : []) {
        if (own.regrets[n][1] > peer.regrets[n][2]) worse.push(`${name}, ${search}, ${n} trials`);
      }
    }
  }
}

console.log(
  `\n| function | search | ${[1, 4, 8].map((size) => `generations of ${size}`).join(' | ')} |\n|---|---|---|---|---|`,
);
for (const name of functions) {
  for (const search of searches) {
    const sizes = [1, 4, 8].map((size) => find(ours, name, search, size));
    if (sizes.includes(undefined)) continue;
    console.log(
      `| ${name} | ${search} | ${sizes.map(({ regrets }) => formatQuartiles(regrets[100])).join(' | ')} |`,
    );
  }
}

for (const what of worse) console.error(`above Optuna's upper quartile: ${what}`);
process.exitCode = worse.length === 0 ? 0 : 1;

function printRow(cells, { regrets }) {
  console.log(`| ${[...cells, ...budgets.map((n) => formatQuartiles(regrets[n]))].join(' | ')} |`);
}
