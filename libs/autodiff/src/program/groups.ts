/**
 * The choice of equations that become one: elementwise chains over equally many elements, and the sums over such
 * elements.
 */
import { sizeOf } from '@lockstep/tensor';
import { aliases, exchangeLevels, isAlias, isCheap, isFusible, isSummable } from './equation.ts';
import type { Equation, Program } from './program.ts';

/** Bounds the kernels' workspace, and keeps the values of a block in the first-level cache. */
export const MAX_INSTRUCTIONS = 48;

/** The number of elements from which on an equation is worth waiting for. */
const LARGE = 4096;

export interface Group {
  readonly size: number;
  readonly level: number;
  /** The indices of the group's equations in the program, ascending. */
  readonly members: readonly number[];
  /** The variables that the group computes element by element, or reads in full. */
  readonly touched: ReadonlySet<number>;
}

/**
 * The group of each fusible equation, by the equation's index. The choice is greedy: an equation joins the groups with
 * which it shares a value. The first reader outside a group closes it, and so does the first reader of one of its sums,
 * so no path leads out of a group and back.
 */
export function groupsOf(program: Program): (Group | undefined)[] {
  const { equations, avals } = program;
  const levels = settledLevels(program);
  const aliasOf = aliases(program);
  const groups = new Array<Group | undefined>(equations.length);
  const open = new Set<Group>();
  /** The index of the equation that computes each variable. */
  const producers = new Map<number, number>();
  for (const i of orderOfGrouping(program, levels)) {
    const equation = equations[i]!;
    if (isAlias(equation)) {
      // An alias may wait for other values than the one whose elements it shares, as a barrier waits for its token.
      for (const input of equation.inputs.slice(1)) closeGroupOf(input);
      continue;
    }
    for (const input of equation.inputs) {
      const producer = producers.get(aliasOf(input)) ?? -1;
      const isSum = producer !== -1 && isSummable(equations[producer]!, program);
      if (isSum && groups[producer] !== undefined) open.delete(groups[producer]);
    }
    const own = isMember(equation, program) ? join(i, equation) : undefined;
    for (const input of equation.inputs) closeGroupOf(input, own);
    for (const output of equation.outputs) producers.set(output, i);
  }
  return groups;

  /** Closes the group that computes a variable, unless it is the reader's own. */
  function closeGroupOf(variable: number, own?: Group): void {
    const group = groups[producers.get(aliasOf(variable)) ?? -1];
    if (group !== undefined && group !== own) open.delete(group);
  }

  function join(i: number, equation: Equation): Group {
    const level = levels[i]!;
    const values = valuesOf(equation, program);
    const size = sizeOf(avals[values]!.shape);
    const full = equation.inputs.map(aliasOf).filter((input) => sizeOf(avals[input]!.shape) === size);
    let group: Group = { size, level, members: [i], touched: new Set([...full, aliasOf(values)]) };
    for (const other of open) {
      // Single elements form one group: for them the call is the main cost.
      const related = size === 1 || full.some((input) => other.touched.has(input));
      const fits = other.members.length + group.members.length <= MAX_INSTRUCTIONS;
      if (other.size !== size || other.level !== level || !related || !fits) continue;
      open.delete(other);
      group = {
        size,
        level,
        members: [...other.members, ...group.members].sort((a, b) => a - b),
        touched: new Set([...other.touched, ...group.touched]),
      };
    }
    for (const member of group.members) groups[member] = group;
    open.add(group);
    return group;
  }
}

const isMember = (equation: Equation, program: Program): boolean =>
  isFusible(equation, program) || isSummable(equation, program);

/** The variable that has one element for each element that a member computes. */
export const valuesOf = (member: Equation, program: Program): number =>
  isSummable(member, program) ? member.inputs[0]! : member.outputs[0]!;

/**
 * An order in which readers come late, so that groups stay open. Between two large equations come all elementwise
 * equations, then the sums over them, then the elementwise equations that read these sums, and so on.
 */
function orderOfGrouping(program: Program, levels: readonly number[]): number[] {
  const { equations, avals } = program;
  const depths = new Map<number, number>();
  let stretch = 0;
  const keys = equations.map((equation, i) => {
    const { inputs, outputs } = equation;
    const stays = isAlias(equation) || isFusible(equation, program);
    const isBarrier = !stays && !isSummable(equation, program);
    const large = isBarrier && outputs.some((output) => sizeOf(avals[output]!.shape) > LARGE);
    if (large) stretch++;
    const depth = Math.max(0, ...inputs.map((input) => depths.get(input) ?? 0));
    for (const output of outputs) depths.set(output, stays ? depth : depth + 1);
    const key = [levels[i]!, stretch, depth, stays ? 0 : 1, i];
    if (large) stretch++;
    return key;
  });
  return keys.sort(byFirstDifference).map((key) => key.at(-1)!);
}

function byFirstDifference(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at === -1 ? 0 : a[at]! - b[at]!;
}

/** The best segment for each equation; for a cheap one, the segment of its first reader. */
function settledLevels(program: Program): number[] {
  const levels = exchangeLevels(program);
  const aliasOf = aliases(program);
  const firstRead = new Map<number, number>(program.outputs.map((output) => [aliasOf(output), 0]));
  for (const [i, equation] of [...program.equations.entries()].reverse()) {
    if (isAlias(equation)) continue;
    const needed = Math.min(...equation.outputs.map((output) => firstRead.get(output) ?? 0));
    if (needed > levels[i]! && cheapSource(equation, program) !== undefined) levels[i] = needed;
    for (const input of equation.inputs.map(aliasOf))
      firstRead.set(input, Math.min(firstRead.get(input) ?? levels[i]!, levels[i]!));
  }
  return levels;
}

/** The only operand that a cheap equation reads in full; undefined for any other equation. */
function cheapSource(equation: Equation, program: Program): number | undefined {
  if (!isCheap(equation, program)) return undefined;
  const size = (variable: number): number => sizeOf(program.avals[variable]!.shape);
  const full = new Set(equation.inputs.filter((input) => size(input) === size(equation.outputs[0]!)));
  return full.size === 1 ? [...full][0] : undefined;
}
