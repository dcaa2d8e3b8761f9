/**
 * When values leave for other blocks. Each value is computed as soon as its inputs are there, and values that are
 * computed one after the other leave together while the rest of the segment runs.
 */
import { sizeOf } from '@lockstep/tensor';
import { isAlias, isExchange } from './equation.ts';
import type { Equation, Program } from './program.ts';

/**
 * A smaller bucket costs more than it hides. At 1 Gbit/s, 1 MiB takes 8 ms; the smallest messages take some 50 µs each,
 * which hardly matters beside that. Vectors of 1 MiB also travel at the best rate.
 */
const BUCKET_BYTES = 1 << 20;

/** Bounds the buckets of an exchange. */
const MAX_BUCKETS = 256;

/**
 * The same equations in another order: equations that only lead to an exchange come as soon as their inputs are there.
 */
export function departEarly(program: Program): Program {
  const { equations } = program;
  const producers = new Map(equations.flatMap(({ outputs }, i) => outputs.map((output) => [output, i])));
  const departing = departingOf(program);
  const producersOf = ({ inputs }: Equation): Set<number> =>
    new Set(inputs.flatMap((input) => producers.get(input) ?? []));
  const readers = equations.map((): number[] => []);
  const missing = equations.map((equation, i) => {
    const needed = producersOf(equation);
    for (const producer of needed) readers[producer]!.push(i);
    return needed.size;
  });
  const order: number[] = [];
  const place = (i: number): void => {
    order.push(i);
    for (const reader of readers[i]!) if (--missing[reader]! === 0 && departing[reader]) place(reader);
  };
  // An equation without producers is placed here, since no producer would place it.
  for (const [i, equation] of equations.entries())
    if (!departing[i] || producersOf(equation).size === 0) place(i);
  return { ...program, equations: order.map((i) => equations[i]!) };
}

/** For each equation, whether it only computes or passes on a value that is exchanged. */
function departingOf({ equations, outputs }: Program): boolean[] {
  /** The variables that are read by anything except equations that pass them on. */
  const used = new Set(outputs);
  const departing = new Array<boolean>(equations.length).fill(false);
  for (const [i, equation] of [...equations.entries()].reverse()) {
    const isUsed = equation.outputs.some((output) => used.has(output));
    departing[i] = isExchange(equation) || !isUsed;
    const handsOn = isExchange(equation) || (!isUsed && isHandOver(equation));
    if (!handsOn) for (const input of equation.inputs) used.add(input);
  }
  return departing;
}

/** Equations between what a shard computes and its exchange. */
const isHandOver = (equation: Equation): boolean => equation.primitive === 'treeSum' || isAlias(equation);

/** The exchanges of a program by their outputs, in the order in which their values can be complete. */
export function departures(program: Program): readonly number[] {
  return departEarly(program)
    .equations.filter(isExchange)
    .map(({ outputs }) => outputs[0]!);
}

/** Whether this many elements are worth sending before the segment ends. */
export const isWorthLeaving = (size: number): boolean => 4 * size >= BUCKET_BYTES;

/** Cuts a list of exchanges into buckets. The value that reaches the minimum size closes its bucket. */
export function inBuckets(exchanges: readonly Equation[], { avals }: Program): Equation[][] {
  const bytesOf = ({ outputs }: Equation): number => 4 * sizeOf(avals[outputs[0]!]!.shape);
  const total = exchanges.reduce((sum, exchange) => sum + bytesOf(exchange), 0);
  const least = Math.max(BUCKET_BYTES, total / MAX_BUCKETS);
  const buckets: Equation[][] = [];
  let open = 0;
  for (const exchange of exchanges) {
    if (open === 0) buckets.push([]);
    buckets.at(-1)!.push(exchange);
    open += bytesOf(exchange);
    if (open >= least) open = 0;
  }
  return buckets;
}
