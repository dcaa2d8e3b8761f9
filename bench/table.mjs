/** The results as a Markdown table, to read in a terminal and to paste into README.md. */
import { loadavg } from 'node:os';
import { machine } from './history.mjs';

export function headline({ rounds, seconds, torch }) {
  const load = loadavg()[0].toFixed(1);
  const beside = torch === undefined ? '' : `; ${torch}`;
  return `${machine()}, load ${load}; Node ${process.version}${beside}; one thread, profile portable; rounds: ${rounds} of ${seconds} s\n`;
}

export function formatTable(results, withTorch) {
  const ms = ({ low, median, high } = {}) =>
    median === undefined ? '' : `${digits(median)} (${digits(low)}–${digits(high)})`;
  const ratio = ({ low, median, high } = {}) =>
    median === undefined ? '' : `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
  const columns = [
    ['row', ({ row }) => row],
    ['S=1, ms', ({ ms: times }) => ms(times.s1)],
    ['S=8, ms', ({ ms: times }) => ms(times.s8)],
    ['S=8 ÷ S=1', ({ ratios }) => ratio(ratios['s8/s1'])],
    ...(withTorch
      ? [
          ['PyTorch, ms', ({ ms: times }) => ms(times.torch)],
          ['PyTorch ÷ S=1', ({ ratios }) => ratio(ratios['torch/s1'])],
          ['PyTorch ÷ S=8', ({ ratios }) => ratio(ratios['torch/s8'])],
        ]
      : []),
  ];
  const cells = [columns.map(([title]) => title), ...results.map((r) => columns.map(([, cell]) => cell(r)))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const lines = cells.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));
