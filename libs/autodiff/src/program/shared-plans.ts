/**
 * Plans that programs share which differ only in numbers, such as rates, decays and probabilities. A plan depends on a
 * free number in two ways: the plan holds it as a constant, and the planner keeps equal constants once. So programs with
 * one structure, in which the same numbers are equal, have one plan up to its constants and hashes.
 */
import { type Rules, required, signature, whole } from '@lockstep/errors';
import type { Storage } from '@lockstep/tensor';
import { currentProfile } from '../profile.ts';
import { numberIn } from './constant.ts';
import { type PlanOptions, planHashed, planRules } from './plan.ts';
import type { Plan, PlannedBodies } from './planned.ts';
import { aProgram, bodiesOf, type Equation, type Program } from './program.ts';
import { hashesOf, programHash, withNumbers } from './program-hash.ts';

export interface PlannerOptions {
  /** The number of plans that are kept. A further one replaces the plan that has not been used for the longest time. */
  readonly maxPlans: number;
}

/** Plans programs one after the other. */
export interface Planner {
  /** The plan that `planProgram` gives, to the byte. It shares parts with other plans. */
  plan(program: Program, options?: PlanOptions): Plan;
}

/** Programs of one structure, planned with the same options. */
interface Family {
  /** The numbers beside the free ones, by {@link numberIn}. The planner may find a free number equal to one of them. */
  readonly fixed: ReadonlySet<string>;
  /** By which of their numbers are equal. */
  readonly templates: Map<string, Template>;
}

/** A plan whose free numbers can be replaced. */
interface Template {
  readonly plan: Plan;
  /** The place of each free number in the order of {@link withNumbers}. */
  readonly places: ReadonlyMap<Storage, number>;
  /** The traced programs of the plans of bodies; their hashes depend on them. */
  readonly bodies: ReadonlyMap<Plan, Program>;
}

const plannerRules: Rules<PlannerOptions> = { maxPlans: required(whole(1)) };
const checkCreate = signature('createPlanner', {}, plannerRules);
const checkPlan = signature('plan', { program: aProgram }, planRules);

/**
 * `planProgram` for programs that come one after the other: those that differ only in numbers are planned once. Numbers
 * are float constants of one element, such as rates.
 */
export function createPlanner(options: PlannerOptions): Planner {
  checkCreate(options);
  const { maxPlans } = options;
  const families = new Map<string, Family>();
  /** What to forget, the plan that was used the longest time ago first. */
  const recent = new Map<Template, () => void>();
  const use = (template: Template, forget: () => void): void => {
    recent.delete(template);
    recent.set(template, forget);
  };
  return {
    plan(program, planOptions = {}) {
      checkPlan(program, planOptions);
      const { hash, structure } = hashesOf(program);
      const numbers = numbersOf(program);
      // Some constructs compute with constants when they are planned, in the arithmetic of the profile.
      const key = JSON.stringify([structure, currentProfile(), planOptions]);
      const known = families.get(key);
      const template = known?.templates.get(equalitiesOf(numbers, known.fixed));
      if (known !== undefined && template !== undefined) {
        use(template, recent.get(template)!);
        return renumbered(template, hash, numbers);
      }
      const { template: made, fixed } = makeTemplate(program, hash, planOptions);
      const family = known ?? { fixed, templates: new Map<string, Template>() };
      const equalities = equalitiesOf(numbers, family.fixed);
      if (recent.size >= maxPlans) recent.values().next().value!();
      families.set(key, family);
      family.templates.set(equalities, made);
      use(made, () => {
        recent.delete(made);
        family.templates.delete(equalities);
        if (family.templates.size === 0) families.delete(key);
      });
      return made.plan;
    },
  };
}

function numbersOf(program: Program): Storage[] {
  const numbers: Storage[] = [];
  withNumbers(program, (number) => {
    numbers.push(number);
    return number;
  });
  return numbers;
}

/** For each number the fixed number that it equals, else the place of the first free one that it equals. */
function equalitiesOf(numbers: readonly Storage[], fixed: ReadonlySet<string>): string {
  const first = new Map<string, number>();
  return numbers
    .map((storage, place) => {
      const number = numberIn(storage)!;
      if (!first.has(number)) first.set(number, place);
      return fixed.has(number) ? number : first.get(number);
    })
    .join();
}

function makeTemplate(
  program: Program,
  hash: string,
  options: PlanOptions,
): Pick<Family, 'fixed'> & { readonly template: Template } {
  const places = new Map<Storage, number>();
  // Each number becomes an object of its own, by which it is found again in the plan.
  const own = withNumbers(program, (number) => {
    const copy = { ...number };
    places.set(copy, places.size);
    return copy;
  });
  const bodies = new Map<Plan, Program>();
  const fixed = new Set<string>();
  const plan = planHashed(own, hash, options, (each, { traced, plain }) => {
    if (traced !== own) bodies.set(each, traced);
    addNumbers(plain);
  });
  return { template: { plan, places, bodies }, fixed };

  /** Adds the numbers that are not free, among them those that planning has brought in. */
  function addNumbers({ constants, equations }: Program): void {
    for (const { storage } of constants) {
      const number = numberIn(storage);
      if (number !== undefined && !places.has(storage)) fixed.add(number);
    }
    for (const equation of equations) bodiesOf(equation)?.forEach(addNumbers);
  }
}

/** The template's plan with other numbers. */
function renumbered(
  { plan: whole, places, bodies }: Template,
  hash: string,
  numbers: readonly Storage[],
): Plan {
  const put = (storage: Storage): Storage => numbers[places.get(storage) ?? -1] ?? storage;
  const inEquation = (equation: Equation): Equation => {
    const { plans } = equation.attrs as PlannedBodies;
    if (plans === undefined) return equation;
    const own = plans.map((plan) => inPlan(plan, programHash(withNumbers(bodies.get(plan)!, put))));
    const attrs: PlannedBodies = { ...equation.attrs, bodies: own.map(({ program }) => program), plans: own };
    return { ...equation, attrs };
  };
  const inPlan = (plan: Plan, own: string): Plan => {
    const constants = plan.program.constants.map(({ variable, storage }) => ({
      variable,
      storage: put(storage),
    }));
    const { equations: old } = plan.program;
    if (old.every(({ attrs }) => (attrs as PlannedBodies).plans === undefined)) {
      return { ...plan, program: { ...plan.program, constants }, hash: own };
    }
    const renewed = new Map(old.map((equation) => [equation, inEquation(equation)]));
    const equations = old.map((equation) => renewed.get(equation)!);
    const segments = plan.segments.map((list) => list.map((equation) => renewed.get(equation)!));
    return { ...plan, program: { ...plan.program, constants, equations }, segments, hash: own };
  };
  return inPlan(whole, hash);
}
