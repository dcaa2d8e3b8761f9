/**
 * Cheap values are recomputed by the groups that read them instead of being kept: inside a fused chain that costs an
 * instruction, while keeping them costs memory and a pass over it. A group that recomputes a variable adopts the
 * equations that lead to it.
 */
import { sizeOf } from '@lockstep/tensor';
import { aliases, isAlias, isCheap } from './equation.ts';
import { type Group, MAX_INSTRUCTIONS } from './groups.ts';
import type { Program } from './program.ts';

/** The number of instructions that cost as much as one write or read of memory. */
const MAX_STEPS_PER_PASS = 4;

/** The indices of the equations that a group computes in addition to its own. */
export type Adoptions = ReadonlyMap<Group, ReadonlySet<number>>;

/** What a group that reads a variable needs to compute it itself. */
interface Recipe {
  /** The indices of the equations that the group does not compute yet. */
  readonly steps: ReadonlySet<number>;
  /** The variables that the group would have to read in full in addition to those it reads already. */
  readonly sources: ReadonlySet<number>;
}

/** Decides for one variable after the other, in the order of the program. */
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
    // A variable without readers in other groups need not be written.
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

  /**
   * Goes back to variables that the group reads anyway, else to those that are in memory anyway, else to those that are
   * not cheap.
   */
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

/**
 * The producer of each variable, the groups that read it, and the variables that must be in memory whatever the groups
 * do.
 */
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
