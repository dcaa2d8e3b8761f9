/** The role of a link, as far as it is known: what it makes of its input. Chains that would climb are refused by it. */
import { LockstepError } from '@lockstep/errors';

export interface Role {
  /**
   * `steps`: updates to be added to the parameters. `gradients`: values with the sign of the input. Absent: unknown.
   */
  readonly gives?: 'steps' | 'gradients';
  /** Wrong after steps: it expects gradients. */
  readonly takes?: 'gradients';
  /** Returns updates even for a gradient of 0: weight decay, noise. */
  readonly adds?: true;
  /** Sets updates to 0. */
  readonly stops?: true;
}

interface HasRole {
  readonly role?: Role;
}

/** The role of a chain of links. Throws `argument` for an order that cannot be intended. */
export function roleOfChain(links: readonly HasRole[]): Role {
  let gives: Role['gives'] = 'gradients';
  let stops = false;
  for (const [i, { role }] of links.entries()) {
    if (gives === 'steps' && role?.takes === 'gradients') {
      throw misplaced(
        i,
        'takes gradients, but an earlier link has already turned them into steps downhill, which this link would turn uphill; put it before the learning rate',
      );
    }
    if (stops && role?.adds) {
      throw misplaced(
        i,
        'moves parameters without a gradient (weight decay, noise), including those that an earlier freeze() has stopped; put freeze() last, or use multiTransform',
      );
    }
    if (role?.gives === 'steps') gives = 'steps';
    else if (gives === 'gradients' && !role?.stops) gives = role?.gives;
    stops ||= role?.stops === true;
  }
  return {
    ...(gives === undefined ? {} : { gives }),
    ...(links.some(({ role }) => role?.takes) ? { takes: 'gradients' as const } : {}),
    ...(links.some(({ role }) => role?.adds) ? { adds: true as const } : {}),
    ...(stops ? { stops: true as const } : {}),
  };
}

/** The role of parallel links. Throws `argument` if some return steps and others gradients. */
export function roleOfParts(owner: string, parts: Readonly<Record<string, HasRole>>): Role {
  const entries = Object.entries(parts);
  const moving = entries.filter(([, { role }]) => !role?.stops);
  const named = (gives: Role['gives']): string[] =>
    moving.filter(([, { role }]) => role?.gives === gives).map(([name]) => name);
  const [steps, gradients] = [named('steps'), named('gradients')];
  if (steps.length > 0 && gradients.length > 0) {
    throw new LockstepError(
      'argument',
      `${owner}: ${steps.join(', ')} returns steps downhill, ${gradients.join(', ')} returns gradients, which would go uphill; end it with scaleByLearningRate(rate), or freeze()`,
      { owner, steps, gradients },
    );
  }
  const gives =
    moving.length === steps.length ? 'steps' : moving.length === gradients.length ? 'gradients' : undefined;
  return {
    ...(gives === undefined ? {} : { gives }),
    ...(entries.some(([, { role }]) => role?.takes) ? { takes: 'gradients' as const } : {}),
    ...(entries.some(([, { role }]) => role?.adds) ? { adds: true as const } : {}),
    ...(entries.some(([, { role }]) => role?.stops) ? { stops: true as const } : {}),
  };
}

const misplaced = (link: number, what: string): LockstepError =>
  new LockstepError('argument', `chain: link ${link} ${what}`, { link });
