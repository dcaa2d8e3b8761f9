/** Recorded regrets: one JSON line for each library, function, search and size of generations. */
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('./results.jsonl', import.meta.url);

/** After how many trials regrets are compared. */
export const budgets = [25, 50, 100];

export const read = () => parse(readFileSync(file, 'utf8'));

export const parse = (text) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const keyOf = ({ function: name, search, library, generation }) =>
  [name, search, library, String(generation).padStart(3, '0')].join(' ');

/** Replaces the lines of the same library, function, search and size of generations. */
export function record(results) {
  const lines = new Map([...read(), ...results].map((result) => [keyOf(result), result]));
  const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(file, sorted.map(([, result]) => `${JSON.stringify(result)}\n`).join(''));
}

/** `branin tpe, generations of 1: 0.51 [0.16, 0.98] …` */
export const formatLine = ({ library, function: name, search, generation, regrets }) =>
  `${name} ${search} (${library}, generations of ${generation}): ${budgets.map((n) => formatQuartiles(regrets[n])).join('  ')}`;

export const formatQuartiles = ([low, median, high]) => `${short(median)} [${short(low)}, ${short(high)}]`;

const short = (x) => String(Number(x.toPrecision(3)));
