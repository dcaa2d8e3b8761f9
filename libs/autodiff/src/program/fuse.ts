/**
 * Fusion of elementwise chains: equations over equally many elements become one, which computes them block by block.
 * What is needed inside only is never written to memory. Every element goes through the same operations in the same
 * order, so every bit stays.
 */
import type { FusedAttrs, FusedInstruction } from '@lockstep/kernels';
import { sizeOf } from '@lockstep/tensor';
import { aliases, exchangeLevels, FUSED, isAlias } from './equation.ts';
import type { BroadcastPattern, Equation, Program } from './program.ts';
import { cheapSource, isFusible } from './recompute.ts';

/** Keeps what a block works on in the first-level cache, and bounds the kernels' workspace. */
const MAX_INSTRUCTIONS = 48;

/** Elements of an equation that is not worth waiting for. */
const LARGE = 4096;

interface Group {
  readonly size: number;
  readonly level: number;
  /** Places of its equations in the program, ascending. */
  readonly members: readonly number[];
  /** Variables that it computes, or reads in full. */
  readonly touched: ReadonlySet<number>;
}

/** Of a program without dead code. */
export function fuseElementwise(program: Program): Program {
  return emit(program, groupsOf(program));
}

/**
 * The group of each fusible equation, by its place. Greedy: an equation joins the groups that it has a value in common
 * with. A group is closed by the first reader outside of it, so no path leads out of a group and back.
 */
function groupsOf(program: Program): (Group | undefined)[] {
  const { equations, avals } = program;
  const levels = settledLevels(program);
  const aliasOf = aliases(program);
  const groups = new Array<Group | undefined>(equations.length);
  const open = new Set<Group>();
  /** The place of the equation that computes a variable. */
  const producers = new Map<number, number>();
  for (const i of orderOfGrouping(program, levels)) {
    const equation = equations[i]!;
    if (isAlias(equation)) continue;
    const own = isFusible(equation, program) ? join(i, equation) : undefined;
    for (const input of equation.inputs) {
      const producer = groups[producers.get(aliasOf(input)) ?? -1];
      if (producer !== undefined && producer !== own) open.delete(producer);
    }
    for (const output of equation.outputs) producers.set(output, i);
  }
  return groups;

  function join(i: number, { inputs, outputs }: Equation): Group {
    const level = levels[i]!;
    const size = sizeOf(avals[outputs[0]!]!.shape);
    const full = inputs.map(aliasOf).filter((input) => sizeOf(avals[input]!.shape) === size);
    let group: Group = { size, level, members: [i], touched: new Set([...full, outputs[0]!]) };
    for (const other of open) {
      // Single elements are all taken together: for them it is the call that costs.
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

/**
 * An order in which readers come late, so that groups stay open: within what lies between two large equations, all
 * that is elementwise, then the sums over it, then what is elementwise in these sums, and so on.
 */
function orderOfGrouping(program: Program, levels: readonly number[]): number[] {
  const { equations, avals } = program;
  const depths = new Map<number, number>();
  let stretch = 0;
  const keys = equations.map((equation, i) => {
    const { inputs, outputs } = equation;
    const stays = isAlias(equation) || isFusible(equation, program);
    const large = !stays && outputs.some((output) => sizeOf(avals[output]!.shape) > LARGE);
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

/** The segment that an equation is best computed in: of a cheap one that of its first reader. */
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

/** Each group of two or more as one equation, at the place of its last member or of its first reader. */
function emit(program: Program, groups: readonly (Group | undefined)[]): Program {
  const aliasOf = aliases(program);
  const readOutside = readOutsideOf(program, groups);
  const producers = new Map(
    program.equations.flatMap(({ outputs }, i) => outputs.map((output) => [output, i])),
  );
  const done = new Set<number>();
  const equations: Equation[] = [];
  const emitProducer = (variable: number): void => {
    const producer = producers.get(variable);
    if (producer !== undefined) emitOne(producer);
  };
  for (const [i, equation] of program.equations.entries()) {
    const isLast = (groups[i]?.members ?? [i]).at(-1) === i;
    if (isLast && !isAlias(equation)) emitOne(i);
  }
  program.outputs.forEach(emitProducer);
  return { ...program, equations };

  function emitOne(i: number): void {
    if (done.has(i)) return;
    const members = groups[i]?.members ?? [i];
    for (const member of members) done.add(member);
    const whole = members.map((member) => program.equations[member]!);
    const equation = whole.length === 1 ? whole[0]! : fusedEquation(whole, program, { aliasOf, readOutside });
    equation.inputs.forEach(emitProducer);
    equations.push(equation);
  }
}

/** The variables that someone reads who is not of the group that computes them. */
function readOutsideOf(program: Program, groups: readonly (Group | undefined)[]): Set<number> {
  const aliasOf = aliases(program);
  const groupOf = new Map<number, Group | undefined>();
  const outside = new Set(program.outputs.map(aliasOf));
  for (const [i, equation] of program.equations.entries()) {
    if (isAlias(equation)) continue;
    for (const input of equation.inputs.map(aliasOf))
      if (groups[i] === undefined || groupOf.get(input) !== groups[i]) outside.add(input);
    for (const output of equation.outputs) groupOf.set(output, groups[i]);
  }
  return outside;
}

interface Uses {
  readonly aliasOf: (variable: number) => number;
  readonly readOutside: ReadonlySet<number>;
}

function fusedEquation(
  members: readonly Equation[],
  { avals }: Program,
  { aliasOf, readOutside }: Uses,
): Equation {
  const sizeOfVariable = (variable: number): number => sizeOf(avals[variable]!.shape);
  const size = sizeOfVariable(members[0]!.outputs[0]!);
  const computed = new Map(members.map(({ outputs }, i) => [outputs[0]!, i]));
  const inputs: number[] = [];
  const patterns: (BroadcastPattern | null)[] = [];
  const places = new Map<string, number>();
  /** An operand's register: its place among the operands. */
  const operand = (variable: number, pattern: BroadcastPattern | null): number => {
    const key = `${variable} ${JSON.stringify(pattern)}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, inputs.length);
    patterns.push(pattern);
    return inputs.push(variable) - 1;
  };
  // Operands first: the instructions' registers are numbered after them.
  const args = members.map((member) =>
    member.inputs.map(aliasOf).map((variable, i) => {
      const instruction = computed.get(variable);
      if (instruction !== undefined) return { instruction };
      const pattern = sizeOfVariable(variable) === size ? null : (member.patterns?.[i] ?? null);
      return { operand: operand(variable, pattern) };
    }),
  );
  const register = (arg: (typeof args)[number][number]): number =>
    'operand' in arg ? arg.operand : inputs.length + arg.instruction;
  const outputs = [...computed.keys()].filter((variable) => readOutside.has(variable));
  const attrs: FusedAttrs = {
    instructions: members.map(({ primitive }, i) => ({
      op: primitive as FusedInstruction['op'],
      args: args[i]!.map(register),
    })),
    outputs: outputs.map((variable) => inputs.length + computed.get(variable)!),
  };
  return { primitive: FUSED, attrs: { ...attrs }, inputs, outputs, patterns };
}
