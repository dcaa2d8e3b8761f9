/** Programs as text: a line for each equation, with its costs in columns. Bodies of loops and branches are indented. */
import type { ProgramsDescription } from '@lockstep/training';
import { plural, rate } from './format.ts';

type Plan = ProgramsDescription['shard'];
type Segment = Plan['segments'][number];
type Equation = Segment['equations'][number];
type Named = Plan['inputs'][number];

/** Width of an amount with its unit. */
const AMOUNT_WIDTH = 11;
/** Results are padded to this width at most, because names of parameters may be long. */
const MAX_RESULT_WIDTH = 44;

export function programsText({ shards, rowsPerShard, shard, update }: ProgramsDescription): string {
  const rows = plural(rowsPerShard, 'row');
  return [
    ...planLines(`Shard program, for a block of ${plural(shards, 'shard')} of ${rows}`, shard),
    '',
    ...planLines('Update program', update),
    '',
  ].join('\n');
}

function planLines(title: string, plan: Plan): string[] {
  const { inputs, segments, flops, bytes, arenaBytes, numTraced, numRun, numFusedSteps } = plan;
  const fused = numFusedSteps === 0 ? '' : `, ${rate(numFusedSteps)} elementwise steps fused`;
  const nameWidth = Math.max(...inputs.map(({ name }) => name.length));
  return [
    title,
    `  ${plural(numTraced, 'equation')} traced, ${rate(numRun)} to run${fused}`,
    `  ${flopsText(flops)}, ${bytesText(bytes)} read and written, ${bytesText(arenaBytes)} of memory`,
    '',
    '  inputs',
    ...inputs.map((input) => `    ${input.name.padEnd(nameWidth)}  ${typeText(input)}`),
    ...segments.flatMap((segment, i) => segmentLines(segment, i, segments.length)),
  ];
}

function segmentLines(segment: Segment, index: number, count: number): string[] {
  const { equations, exchange } = segment;
  return [
    '',
    `  segment ${index + 1} of ${count}: ${totalsText(equations.length, segment)}`,
    ...equationList(equations),
    ...exchange.map(({ combine, size }) => {
      const what = combine === 'sum' ? 'sums' : 'moments';
      return `    ⇄ exchange of ${plural(size, 'value')} (${bytesText(4 * size)}): ${what}`;
    }),
  ];
}

function equationList(equations: readonly Equation[]): string[] {
  const results = equations.map(({ outputs }) => outputs.map(resultText));
  const width = Math.min(MAX_RESULT_WIDTH, Math.max(0, ...results.flat().map((text) => text.length)));
  return equations.flatMap((equation, i) => [
    ...equationLines(equation, results[i]!, width),
    ...bodyLines(equation).map((line) => `    ${line}`),
  ]);
}

/** The bodies of a loop or a branch, with the costs of one turn. Inputs of a body are its own variables. */
function bodyLines({ bodies = [] }: Equation): string[] {
  return bodies.flatMap((body, i) => {
    const title = bodies.length === 1 ? 'body' : `body ${i + 1} of ${bodies.length}`;
    const { inputs, segments, numRun } = body;
    return [
      `    ${title}: ${totalsText(numRun, body)}`,
      `      of ${inputs.map(resultText).join(', ') || 'nothing'}`,
      ...segments.flatMap(({ equations }) => equationList(equations)),
    ];
  });
}

function equationLines(equation: Equation, results: readonly string[], width: number): string[] {
  const { op, inputs, steps, flops, bytes } = equation;
  const costs =
    `${flops === 0 ? '' : flopsText(flops)}`.padStart(AMOUNT_WIDTH) + bytesText(bytes).padStart(AMOUNT_WIDTH);
  const indent = ' '.repeat(costs.length + 6);
  const others = results.slice(1).map((result) => `${indent}${result}`);
  // The inputs of a fused equation are in its steps.
  const what = steps.length === 0 ? [op, ...inputs].join(' ') : op;
  return [
    `    ${costs}  ${results[0]!.padEnd(width)}  ${what}`,
    ...others,
    ...steps.map((step) => `${indent}  ${step}`),
  ];
}

const typeText = ({ dtype, shape }: Named): string => `${dtype}[${shape.join(', ')}]`;
const resultText = (result: Named): string => `${result.name} ${typeText(result)}`;

const totalsText = (
  numEquations: number,
  { flops, bytes }: { readonly flops: number; readonly bytes: number },
): string => `${plural(numEquations, 'equation')}, ${flopsText(flops)}, ${bytesText(bytes)}`;
const flopsText = (flops: number): string =>
  scaled(flops, 1000, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP']);
export const bytesText = (bytes: number): string => scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);

/** An amount such as `3.2 MiB`, in the largest unit of which there is at least one. */
function scaled(amount: number, base: number, units: readonly string[]): string {
  let value = amount;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${rate(value)} ${units[unit]}`;
}
