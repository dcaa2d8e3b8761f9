/**
 * Fusion of elementwise chains: equations over equally many elements become one, which computes them block by block.
 * What is needed inside only is never written to memory. Every element goes through the same operations in the same
 * order, so every bit stays.
 */
import type { FusedAttrs, FusedInstruction } from '@lockstep/kernels';
import { sizeOf } from '@lockstep/tensor';
import { primitiveNamed } from '../define.ts';
import { aliases, exchangeLevels, FUSED, isAlias } from './equation.ts';
import type { BroadcastPattern, Equation, Program } from './program.ts';

/** Keeps what a block works on in the first-level cache, and bounds the kernels' workspace. */
const MAX_INSTRUCTIONS = 48;

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
  const ordered = inOrderOfLevels(program);
  return emit(ordered, groupsOf(ordered));
}

/** A segment's equations together, so that what comes later in another segment does not cut a group. */
function inOrderOfLevels(program: Program): Program {
  const levels = exchangeLevels(program);
  const order = program.equations.map((_, i) => i).sort((a, b) => levels[a]! - levels[b]! || a - b);
  return { ...program, equations: order.map((i) => program.equations[i]!) };
}

/**
 * The group of each fusible equation, by its place. Greedy in program order: an equation joins the groups that it has
 * a value in common with. A group is closed by the first reader outside of it, so no path leads out of a group and
 * back, and all of it can be computed at the place of its last member.
 */
function groupsOf(program: Program): (Group | undefined)[] {
  const { equations, avals } = program;
  const levels = exchangeLevels(program);
  const aliasOf = aliases(program);
  const groups = new Array<Group | undefined>(equations.length);
  const open = new Set<Group>();
  /** The place of the equation that computes a variable. */
  const producers = new Map<number, number>();
  for (const [i, equation] of equations.entries()) {
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

function isFusible({ primitive, inputs }: Equation, { avals }: Program): boolean {
  if (primitive === FUSED || primitiveNamed(primitive).fusible !== true) return false;
  const dtypes = inputs.map((input) => avals[input]!.dtype);
  if (primitive === 'and' || primitive === 'or' || primitive === 'not')
    return dtypes.every((dtype) => dtype === 'bool');
  const numbers = primitive === 'select' ? dtypes.slice(1) : dtypes;
  return numbers.every((dtype) => dtype === 'float32');
}

/** Each group of two or more as one equation, at the place of its last member. */
function emit(program: Program, groups: readonly (Group | undefined)[]): Program {
  const aliasOf = aliases(program);
  const readOutside = readOutsideOf(program, groups);
  const pending = new Map<number, Equation>();
  const equations: Equation[] = [];
  for (const [i, equation] of program.equations.entries()) {
    if (isAlias(equation)) {
      pending.set(equation.outputs[0]!, equation);
      continue;
    }
    const members = groups[i]?.members ?? [i];
    if (members.at(-1) !== i) continue;
    const emitted =
      members.length === 1
        ? equation
        : fusedEquation(
            members.map((member) => program.equations[member]!),
            program,
            { aliasOf, readOutside },
          );
    emitted.inputs.forEach(emitAlias);
    equations.push(emitted);
  }
  program.outputs.forEach(emitAlias);
  return { ...program, equations };

  /** Aliases are put where they are first needed: what they name may have moved. */
  function emitAlias(variable: number): void {
    const alias = pending.get(variable);
    if (alias === undefined || !pending.delete(variable)) return;
    emitAlias(alias.inputs[0]!);
    equations.push(alias);
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
