/** An assignment: one value for each parameter of a space that exists under the choices made. */
import type { ParamValue } from '@lockstep/params';
import type { ChoiceDomain, Domain, OneOfDomain, Space } from './domain.ts';

/** Values by name, in the order of the names. Parameters of branches that were not chosen are absent. */
export type Assignment = Readonly<Record<string, ParamValue>>;

type OneOfName<S extends Space> = {
  [Name in keyof S]: S[Name] extends OneOfDomain ? Name : never;
}[keyof S];

type ValueOfDomain<D> = D extends ChoiceDomain<infer Value> ? Value : number;

type Unconditional<S extends Space> = {
  readonly [Name in Exclude<keyof S, OneOfName<S>>]: ValueOfDomain<S[Name]>;
};

/** One alternative for each branch, told apart by the parameter's value. */
type Alternatives<Name extends PropertyKey, D> =
  D extends OneOfDomain<infer Branches>
    ? {
        [Branch in keyof Branches & string]: Flat<
          { readonly [_ in Name]: Branch } & AssignmentOf<Branches[Branch]>
        >;
      }[keyof Branches & string]
    : never;

/** (A | B) & (C | D) for two conditional parameters: a function's argument makes an intersection of a union. */
type Conditional<S extends Space> = [OneOfName<S>] extends [never]
  ? unknown
  : { [Name in OneOfName<S>]: (given: Alternatives<Name, S[Name]>) => void }[OneOfName<S>] extends (
        given: infer All,
      ) => void
    ? All
    : never;

type Flat<T> = T extends unknown ? { [Name in keyof T]: T[Name] } : never;

/** The type of the assignments of a space; a parameter of `oneOf` narrows it to the parameters of its branch. */
export type AssignmentOf<S extends Space> = string extends keyof S
  ? Assignment
  : Flat<Unconditional<S> & Conditional<S>>;

/** Named conditions on an assignment, each true where the assignment may be tried. */
export type Constraints<A = never> = Readonly<Record<string, (assignment: A) => boolean>>;

/** A parameter of a space, together with the choices under which it exists. */
export interface Dimension {
  /** The name and the choices above it, which tell apart parameters of the same name: `head=mlp/width`. */
  readonly id: string;
  readonly name: string;
  readonly domain: Domain;
  /** The choices under which it exists, outermost first. */
  readonly conditions: readonly Condition[];
}

export interface Condition {
  readonly name: string;
  readonly branch: string;
}

/** Every parameter of a space, branches included, in the order of their names; a parameter comes before its branches. */
export function dimensionsOf(space: Space, conditions: readonly Condition[] = []): readonly Dimension[] {
  const prefix = conditions.map(({ name, branch }) => `${name}=${branch}/`).join('');
  return sortedNames(space).flatMap((name) => {
    const domain = space[name]!;
    const dimension = { id: `${prefix}${name}`, name, domain, conditions };
    if (domain.type !== 'oneOf') return [dimension];
    const branches = sortedNames(domain.branches).flatMap((branch) =>
      dimensionsOf(domain.branches[branch]!, [...conditions, { name, branch }]),
    );
    return [dimension, ...branches];
  });
}

/** Whether a dimension exists under the choices of an assignment. */
export const existsIn = ({ conditions }: Dimension, assignment: Assignment): boolean =>
  conditions.every(({ name, branch }) => assignment[name] === branch);

/** The assignment whose values `choose` gives, asked only for dimensions that exist. */
export function assignmentBy(
  dimensions: readonly Dimension[],
  choose: (dimension: Dimension) => ParamValue,
): Assignment {
  const values: Record<string, ParamValue> = {};
  for (const dimension of dimensions) {
    if (existsIn(dimension, values)) values[dimension.name] = choose(dimension);
  }
  return inOrder(values);
}

/** Values in the order of their names, which every table and record uses. */
export const inOrder = (values: Assignment): Assignment =>
  Object.fromEntries(sortedNames(values).map((name) => [name, values[name]!]));

/** Names by their UTF-16 units, an order that depends on no locale. */
export const sortedNames = (named: object): string[] => Object.keys(named).sort();

/** The values that a `choice` or `oneOf` can take. */
export const optionsOf = (domain: ChoiceDomain | OneOfDomain): readonly ParamValue[] =>
  domain.type === 'choice' ? domain.options : sortedNames(domain.branches);
