/** Formats the results as a Markdown table, for the terminal and for README.md. */
import { loadavg } from 'node:os';
import { machine } from './history.mjs';

export function headline({ profile, backend, torch, peers, rounds, seconds }) {
  const load = loadavg()[0].toFixed(1);
  const beside = [torch, peers].filter((versions) => versions !== undefined);
  const facts = [
    `${machine()}, load ${load}`,
    `Node ${process.version}`,
    ...beside,
    `profile ${profile}, ${backend}`,
  ];
  return `${facts.join('; ')}; rounds: ${rounds} of ${seconds} s\n`;
}

/** One line for each row and other contestant; one line for a row without other contestants. */
export function formatTable(results) {
  const lines = results.flatMap((result) => {
    const { ours, ...others } = result.figures;
    const own = [result.name, figure(ours, result), rate(ours, result)];
    const beside = Object.entries(others).map(([name, theirs]) => [
      name,
      figure(theirs, result),
      rate(theirs, result),
      ratio(result.ratios[name]),
    ]);
    if (beside.length === 0) return [[...own, '', '', '', '']];
    return beside.map((cells, i) => [...(i === 0 ? own : [result.name, '', '']), ...cells]);
  });
  return align([['row', 'ours', '', 'beside', 'theirs', '', 'theirs ÷ ours'], ...lines]);
}

const figure = ({ low, median, high }, { measured = 'ms' }) =>
  `${digits(median)} ${measured} (${digits(low)}–${digits(high)})`;

/** The rate at the median time. */
const rate = ({ median }, { amount, unit }) =>
  amount === undefined ? '' : `${grouped.format((1e3 * amount) / median)} ${unit}`;

const ratio = ({ low, median, high }) => `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

const grouped = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

const digits = (value) => Number(value.toPrecision(3)).toString();

function align(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((cells) => cells[i].length)));
  const lines = rows.map((cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}
