/**
 * What is cheap is computed again by the groups that read it, instead of being kept for them: inside of a fused chain it
 * costs an instruction, where keeping it costs a pass over memory and the memory itself. A group that computes a variable
 * again adopts the equations that lead to it.
 */
import { sizeOf } from '@lockstep/tensor';
import { aliases, isAlias, isCheap } from './equation.ts';
import { type Group, MAX_INSTRUCTIONS } from './groups.ts';
import type { Program } from './program.ts';

/** Instructions that are worth a write or a read of memory. */
const MAX_STEPS_PER_PASS = 4;

/** The places of equations that a group carries out beside its own. */
export type Adoptions = ReadonlyMap<Group, ReadonlySet<number>>;

/** What it takes to compute a variable inside of a group that reads it. */
interface Recipe {
  /** Places of the equations that the group does not have yet. */
  readonly steps: ReadonlySet<number>;
  /** Variables that it would have to read in full beside those it reads already. */
  readonly sources: ReadonlySet<number>;
}

/** Decides in the order of the program, one variable after the other. */
export function adoptionsOf(program: Program, groups: readonly (Group | undefined)[]): Adoptions {
  const { equations, avals } = program;
  const aliasOf = aliases(program);
  const adopted = new Map<Group, Set<number>>();
  const reads = new Map<Group, Set<number>>();
  for (const group of new Set(groups)) if (group !== undefined) reads.set(group, readInFull(group));
  const { producers, readers, kept } = usesOf(program, groups);
  for (const [variable, place] of producers) {
    const others = [...(readers.get(variable) ?? [])].filter((group) => group !== groups[place]);
    if (others.length === 0 || !isCheap(equations[place]!, program)) continue;
    const recipes = others.map((group) => ({ group, ...recipeFor(variable, group) }));
    const passes = (list: typeof recipes): number =>
      list.reduce((sum, { sources }) => sum + 1 - sources.size, 0);
    const free = recipes.filter(({ sources }) => sources.size === 0);
    // Without readers in other groups it need not be written.
    if (!kept.has(variable) && isWorth(recipes, passes(recipes) + 1)) recipes.forEach(adopt);
    else if (isWorth(free, passes(free))) free.forEach(adopt);

    function adopt({ group, steps, sources }: (typeof recipes)[number]): void {
      adopted.set(group, new Set([...(adopted.get(group) ?? []), ...steps]));
      const list = reads.get(group)!;
      list.delete(variable);
      for (const source of sources) list.add(source);
    }
  }
  return adopted;

  function isWorth(recipes: readonly (Recipe & { readonly group: Group })[], numPasses: number): boolean {
    const numSteps = recipes.reduce((sum, { steps }) => sum + steps.size, 0);
    const fits = recipes.every(
      ({ group, steps }) =>
        group.members.length + (adopted.get(group)?.size ?? 0) + steps.size <= MAX_INSTRUCTIONS,
    );
    return numPasses > 0 && numSteps <= numPasses * MAX_STEPS_PER_PASS && fits;
  }

  /** Goes back to what the group reads anyway, else to what is in memory anyway, else to what is not cheap. */
  function recipeFor(variable: number, group: Group): Recipe {
    const steps = new Set<number>();
    const sources = new Set<number>();
    const visit = (place: number): void => {
      if (steps.has(place) || adopted.get(group)?.has(place)) return;
      for (const input of equations[place]!.inputs.map(aliasOf)) {
        const isFull = sizeOf(avals[input]!.shape) === group.size;
        if (!isFull || reads.get(group)!.has(input)) continue;
        const from = producers.get(input);
        const isCheaper = from !== undefined && isCheap(equations[from]!, program);
        if (isCheaper && !kept.has(input)) visit(from);
        else sources.add(input);
      }
      steps.add(place);
    };
    visit(producers.get(variable)!);
    return { steps, sources };
  }

  function readInFull(group: Group): Set<number> {
    const own = new Set(group.members.flatMap((member) => equations[member]!.outputs));
    const inputs = group.members.flatMap((member) => equations[member]!.inputs.map(aliasOf));
    return new Set(inputs.filter((input) => !own.has(input) && sizeOf(avals[input]!.shape) === group.size));
  }
}

/** Where each variable is computed, which groups read it, and which must be in memory, whatever groups do. */
function usesOf(program: Program, groups: readonly (Group | undefined)[]) {
  const aliasOf = aliases(program);
  const producers = new Map<number, number>();
  const readers = new Map<number, Set<Group>>();
  const kept = new Set(program.outputs.map(aliasOf));
  for (const [i, equation] of program.equations.entries()) {
    if (isAlias(equation)) continue;
    for (const output of equation.outputs) producers.set(output, i);
    const group = groups[i];
    for (const input of equation.inputs.map(aliasOf)) {
      const isElement = group !== undefined && sizeOf(program.avals[input]!.shape) === group.size;
      if (isElement) readers.set(input, new Set([...(readers.get(input) ?? []), group]));
      else kept.add(input);
    }
  }
  return { producers, readers, kept };
}
