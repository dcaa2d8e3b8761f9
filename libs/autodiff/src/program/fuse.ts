/**
 * Fusion of elementwise chains. Equations over equally many elements become one equation, which computes them block by
 * block, together with the sums over such elements. Values that are needed only inside are never written to memory.
 * Every element goes through the same operations in the same order, so all bits stay.
 */
import { invariant } from '@lockstep/errors';
import type { FusedAttrs, FusedInstruction, ReduceAttrs } from '@lockstep/kernels';
import { sizeOf } from '@lockstep/tensor';
import { reduceGeometry } from '../primitives/reduce/sum.ts';
import { aliases, FUSED, isAlias, isSummable } from './equation.ts';
import { type Group, groupsOf, valuesOf } from './groups.ts';
import type { BroadcastPattern, Equation, Program } from './program.ts';
import { type Adoptions, adoptionsOf } from './recompute.ts';

/** Fuses a program without dead code. */
export function fuseElementwise(program: Program): Program {
  const groups = groupsOf(program);
  return emit(program, groups, adoptionsOf(program, groups));
}

/** Emits each group of two or more as one equation, at the place of its last member or of its first reader. */
function emit(program: Program, groups: readonly (Group | undefined)[], adoptions: Adoptions): Program {
  const aliasOf = aliases(program);
  const producers = new Map(
    program.equations.flatMap(({ outputs }, i) => outputs.map((output) => [output, i])),
  );
  const { live, readOutside } = needsOf(program, groups, adoptions);
  const begun = new Set<number>();
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
    invariant(!begun.has(i), 'no path leads out of a group of equations and back');
    const group = groups[i];
    const members = group?.members ?? [i];
    for (const member of members) begun.add(member);
    emitParts(i, group);
    for (const member of members) done.add(member);
  }

  function emitParts(i: number, group: Group | undefined): void {
    const parts = isAlias(program.equations[i]!) ? [i] : [...(live.get(group ?? i) ?? [])];
    if (parts.length === 0) return;
    const equation =
      parts.length === 1
        ? program.equations[parts[0]!]!
        : fusedEquation(
            parts.sort((a, b) => a - b),
            group,
          );
    equation.inputs.forEach(emitProducer);
    equations.push(equation);
  }

  function fusedEquation(places: readonly number[], group: Group | undefined): Equation {
    const own = places.filter((place) => groups[place] === group);
    const outputs = own.flatMap((place) => program.equations[place]!.outputs);
    const written = new Set(outputs.filter((output) => readOutside.has(output)));
    return fuse(
      places.map((place) => program.equations[place]!),
      program,
      { aliasOf, written },
    );
  }
}

/**
 * Walks backwards from the program's outputs. For each group (or equation without a group): the indices of the
 * equations that it must compute, and the variables that are read by a group that does not compute them.
 */
function needsOf(program: Program, groups: readonly (Group | undefined)[], adoptions: Adoptions) {
  const { equations, outputs } = program;
  const aliasOf = aliases(program);
  const producers = new Map<number, number>();
  for (const [i, equation] of equations.entries())
    if (!isAlias(equation)) for (const output of equation.outputs) producers.set(output, i);
  const live = new Map<Group | number, Set<number>>();
  const readOutside = new Set<number>();
  const open: { readonly user: Group | number | undefined; readonly variable: number }[] = outputs.map(
    (output) => ({ user: undefined, variable: aliasOf(output) }),
  );
  for (let need = open.pop(); need !== undefined; need = open.pop()) {
    const { user, variable } = need;
    const place = producers.get(variable);
    const isInside = place !== undefined && user !== undefined && carriesOut(user, place);
    if (!isInside) readOutside.add(variable);
    if (place === undefined) continue;
    const carrier = isInside ? user : (groups[place] ?? place);
    const places = live.get(carrier) ?? new Set();
    live.set(carrier, places);
    if (places.has(place)) continue;
    places.add(place);
    for (const input of equations[place]!.inputs) open.push({ user: carrier, variable: aliasOf(input) });
  }
  return { live, readOutside };

  function carriesOut(user: Group | number, place: number): boolean {
    if (typeof user === 'number') return user === place;
    return groups[place] === user || adoptions.get(user)?.has(place) === true;
  }
}

interface Uses {
  readonly aliasOf: (variable: number) => number;
  readonly written: ReadonlySet<number>;
}

function fuse(members: readonly Equation[], program: Program, { aliasOf, written }: Uses): Equation {
  const { avals } = program;
  const size = sizeOf(avals[valuesOf(members[0]!, program)]!.shape);
  const steps = members.filter((member) => !isSummable(member, program));
  const sums = members.filter((member) => isSummable(member, program));
  const computed = new Map(steps.map(({ outputs }, i) => [outputs[0]!, i]));
  const { inputs, patterns, operand } = operandList();
  // Operands come first: the registers of the instructions are numbered after them.
  const [stepArgs, sumArgs] = [steps, sums].map((part) =>
    part.map((member) =>
      member.inputs.map(aliasOf).map((variable, i) => {
        const instruction = computed.get(variable);
        if (instruction !== undefined) return { instruction };
        const isFull = sizeOf(avals[variable]!.shape) === size;
        return { operand: operand(variable, isFull ? null : (member.patterns?.[i] ?? null)) };
      }),
    ),
  ) as [Arg[][], Arg[][]];
  const register = (arg: Arg): number => ('operand' in arg ? arg.operand : inputs.length + arg.instruction);
  const values = [...computed.keys()].filter((variable) => written.has(variable));
  const attrs: FusedAttrs = {
    instructions: steps.map(({ primitive }, i) => ({
      op: primitive as FusedInstruction['op'],
      args: stepArgs[i]!.map(register),
    })),
    outputs: [
      ...values.map((variable) => inputs.length + computed.get(variable)!),
      ...sumArgs.map(([arg]) => register(arg!)),
    ],
    ...(sums.length > 0 && {
      sums: [...values.map(() => null), ...sums.map((sum) => geometryOf(sum, program))],
    }),
  };
  const outputs = [...values, ...sums.flatMap((sum) => sum.outputs)];
  return { primitive: FUSED, attrs: { ...attrs }, inputs, outputs, patterns };
}

/** The source of a step's argument. */
type Arg = { readonly instruction: number } | { readonly operand: number };

/** The operands of an equation under construction; each variable and pattern occurs once. */
function operandList() {
  const inputs: number[] = [];
  const patterns: (BroadcastPattern | null)[] = [];
  const places = new Map<string, number>();
  /** The register of an operand: its index among the operands. */
  const operand = (variable: number, pattern: BroadcastPattern | null): number => {
    const key = `${variable} ${JSON.stringify(pattern)}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, inputs.length);
    patterns.push(pattern);
    return inputs.push(variable) - 1;
  };
  return { inputs, patterns, operand };
}

function geometryOf({ inputs, attrs }: Equation, { avals }: Program): ReduceAttrs {
  return reduceGeometry(avals[inputs[0]!]!.shape, attrs.axis as number, attrs.count as number);
}
