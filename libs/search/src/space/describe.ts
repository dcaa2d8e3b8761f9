/** The canonical form of a space, which the order of names in a file and comments do not change, and what differs in two. */
import type { ParamValue } from '@lockstep/params';
import { dimensionsOf, optionsOf, sortedNames } from './assignment.ts';
import type { Domain, Space } from './domain.ts';

/** A space as plain JSON: `JSON.stringify` of equal spaces is equal, so its hash identifies the space. */
export interface SpaceDescription {
  /** In the order of their identifiers, `head=mlp/width` for a parameter of a branch. */
  readonly params: Readonly<Record<string, DomainDescription>>;
  /** The names of the constraints; what they compute cannot be compared. */
  readonly constraints: readonly string[];
}

export interface DomainDescription {
  readonly type: Domain['type'];
  readonly options?: readonly ParamValue[];
  readonly lo?: number;
  readonly hi?: number;
  readonly step?: number;
  readonly log?: boolean;
}

/** The canonical form of a space. The order of a choice's options counts, because it decides what random numbers mean. */
export function describeSpace(
  space: Space,
  constraints: Readonly<Record<string, unknown>> = {},
): SpaceDescription {
  const described = dimensionsOf(space).map(({ id, domain }) => [id, describeDomain(domain)] as const);
  return {
    params: Object.fromEntries(described.sort(([a], [b]) => (a < b ? -1 : 1))),
    constraints: sortedNames(constraints),
  };
}

/** The space that a description is of. Its names and bounds are not checked. */
export function spaceOf({ params }: SpaceDescription): Space {
  const entries = Object.entries(params);
  const branches = entries.flatMap(([id, { type, options = [] }]) =>
    type === 'oneOf' ? options.map((option) => `${id}=${option}/`) : [],
  );
  const branchOf = (id: string): string =>
    branches.filter((branch) => id.startsWith(branch)).sort((a, b) => b.length - a.length)[0] ?? '';
  const within = (branch: string): Space =>
    Object.fromEntries(
      entries
        .filter(([id]) => branchOf(id) === branch)
        .map(([id, description]) => [id.slice(branch.length), domainOf(id, description)]),
    );
  const domainOf = (
    id: string,
    { type, options = [], lo = 0, hi = 0, step, log = false }: DomainDescription,
  ): Domain => {
    switch (type) {
      case 'choice':
        return { type, options };
      case 'oneOf':
        return {
          type,
          branches: Object.fromEntries(options.map((option) => [`${option}`, within(`${id}=${option}/`)])),
        };
      case 'integer':
        return { type, lo, hi, step: step ?? 1, log };
      case 'number':
        return { type, lo, hi, ...(step !== undefined && { step }), log };
      default:
        return type satisfies never;
    }
  };
  return within('');
}

function describeDomain(domain: Domain): DomainDescription {
  switch (domain.type) {
    case 'choice':
    case 'oneOf':
      return { type: domain.type, options: optionsOf(domain) };
    case 'integer':
      return { ...{ type: 'integer', lo: domain.lo, hi: domain.hi }, step: domain.step, log: domain.log };
    case 'number': {
      const { lo, hi, step, log } = domain;
      return { type: 'number', lo, hi, ...(step !== undefined && { step }), log };
    }
    default:
      return domain satisfies never;
  }
}

export interface SpaceDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Each with its two forms in words. */
  readonly changed: readonly { readonly id: string; readonly from: string; readonly to: string }[];
  readonly addedConstraints: readonly string[];
  readonly removedConstraints: readonly string[];
}

/** What changed from a recorded space to the one of a file; undefined if nothing did. */
export function spaceDifference(from: SpaceDescription, to: SpaceDescription): SpaceDifference | undefined {
  const [before, after] = [Object.keys(from.params), Object.keys(to.params)];
  const changed = before
    .filter((id) => id in to.params)
    .map((id) => ({ id, from: inWords(from.params[id]!), to: inWords(to.params[id]!) }))
    .filter((change) => change.from !== change.to);
  const difference = {
    added: after.filter((id) => !(id in from.params)),
    removed: before.filter((id) => !(id in to.params)),
    changed,
    addedConstraints: to.constraints.filter((name) => !from.constraints.includes(name)),
    removedConstraints: from.constraints.filter((name) => !to.constraints.includes(name)),
  };
  return Object.values(difference).every((list) => list.length === 0) ? undefined : difference;
}

/** A difference in words: `'width' was added; 'rate' was uniform(0, 1) and is logUniform(0.001, 1)`. */
export function describeDifference(difference: SpaceDifference): string {
  const { added, removed, changed, addedConstraints, removedConstraints } = difference;
  return [
    ...added.map((id) => `'${id}' was added`),
    ...removed.map((id) => `'${id}' was removed`),
    ...changed.map(({ id, from, to }) => `'${id}' was ${from} and is ${to}`),
    ...addedConstraints.map((name) => `the constraint '${name}' was added`),
    ...removedConstraints.map((name) => `the constraint '${name}' was removed`),
  ].join('; ');
}

/** A domain as its file writes it: `integer(32, 256, { log: true })`. */
function inWords({ type, options, lo, hi, step, log }: DomainDescription): string {
  switch (type) {
    case 'choice':
      return `choice(${JSON.stringify(options)})`;
    case 'oneOf':
      return `oneOf of ${options?.join(', ')}`;
    case 'integer': {
      const rest = log === true ? ', { log: true }' : step === 1 ? '' : `, { step: ${step} }`;
      return `integer(${lo}, ${hi}${rest})`;
    }
    case 'number':
      if (log === true) return `logUniform(${lo}, ${hi})`;
      return `uniform(${lo}, ${hi}${step === undefined ? '' : `, { step: ${step} }`})`;
    default:
      return type satisfies never;
  }
}
