/**
 * Optimizers as gradient transformations, after optax: pairs of pure functions that turn gradients into updates and
 * can be chained. They are traced into the update program, so their state consists of tensors only.
 */

import { type Tensor, where } from '@lockstep/autodiff';
import { aFunction, anObject, type Kind, signature } from '@lockstep/errors';
import type { DType } from '@lockstep/tensor';
import { flatten, frozenLeaves, map, type Tree } from '@lockstep/tree';
import { aTensor, aTransformation, aTree } from './kinds.ts';
import { type Role, roleOfChain } from './role.ts';

/** Parameters, gradients, updates or state: nested arrays and objects of tensors. */
export type TensorTree = Tree<Tensor>;

/** The position of an update in the run. */
export interface Progress {
  /** The number of committed updates; 0 at the first. A run-time input of the update program. float32 [] */
  readonly step: Tensor;
  /** The number of updates in the whole run, known when the program is traced. */
  readonly totalSteps: number;
  /**
   * The mean training loss of this step, before its update, with the penalty. The trainer always provides it; in a
   * loop of your own, only links that use the loss need it. float32 []
   */
  readonly loss?: Tensor;
  /**
   * The number of samples over which the gradient is the mean; smaller in an epoch's last step. Links that average
   * over steps weight each step by it, since the result would otherwise be an average of averages. The trainer always
   * provides it; in a loop of your own, links that average treat steps as equal without it, and only links that
   * measure noise need it. float32 []
   */
  readonly samples?: Tensor;
  /** How schedules count, if they were written for another batch size. Default: they count updates. */
  readonly stretch?: Stretch;
}

/**
 * From update `from` on, a schedule advances by `steps` an update: with a batch of 4 times the size for which it was written, 4 steps
 * keep it at the same samples.
 */
export interface Stretch {
  readonly from: number;
  readonly steps: number;
}

/** Where schedules are at an update: a step, and the length of the run in such steps. */
export function scheduleAt(progress: Progress): Pick<Progress, 'step' | 'totalSteps'> {
  const { step, totalSteps, stretch } = progress;
  if (stretch === undefined || stretch.steps === 1) return progress;
  const { from, steps } = stretch;
  return {
    step: step.minimum(from).add(step.sub(from).maximum(0).mul(steps)),
    totalSteps: from + (totalSteps - from) * steps,
  };
}

export interface GradientTransformation<S = TensorTree> {
  init(params: TensorTree): S;
  /**
   * Turns gradients, or the updates of the previous transformation, into updates to be added to the parameters.
   * Frozen parameters come with gradients of 0 and do not move, whatever their updates.
   */
  update(grads: TensorTree, state: S, params: TensorTree, progress: Progress): [TensorTree, S];
  /** The role of the transformation, if known; see {@link Role}. */
  readonly role?: Role;
}

const aState: Kind = {
  what: 'the state, as init or the last update gave it',
  fits: (value) => typeof value === 'object' && value !== null,
};

const aProgress: Kind = {
  what: 'an object of step, a tensor, and totalSteps, a number',
  fits(value) {
    if (!anObject.fits(value)) return false;
    const { step, totalSteps } = value as Partial<Progress>;
    return aTensor.fits(step) && typeof totalSteps === 'number';
  },
};

const checkInit = signature('init of an optimizer', { params: aTree });
const checkUpdate = signature('update of an optimizer', {
  grads: aTree,
  state: aState,
  params: aTree,
  progress: aProgress,
});

/** The transformation with functions that check their arguments, for callers without types. */
export function transformation<S>({
  role,
  init,
  update,
}: GradientTransformation<S>): GradientTransformation<S> {
  return {
    ...(role && { role }),
    init(params) {
      checkInit(params);
      return init(params);
    },
    update(grads, state, params, progress) {
      checkUpdate(grads, state, params, progress);
      return update(grads, state, params, progress);
    },
  };
}

/** The state of a transformation without any. */
export type Empty = Readonly<Record<string, never>>;

const checkStateless = signature('stateless', { update: aFunction });

/** A transformation without state. */
export function stateless(
  update: (grads: TensorTree, params: TensorTree, progress: Progress) => TensorTree,
): GradientTransformation<Empty> {
  checkStateless(update);
  return transformation({
    init: () => ({}),
    update: (grads, state, params, progress) => [update(grads, params, progress), state],
  });
}

/** Passes its input on. */
export const identity: GradientTransformation<Empty> = {
  ...stateless((grads) => grads),
  role: { gives: 'gradients' },
};

const checkChain = signature('chain', { '...links': aTransformation });

/**
 * A chain of transformations: each gets the updates of the previous one. Throws `argument` for an order that would
 * climb: two optimizers in a row, or weight decay after the learning rate.
 */
export function chain<S extends readonly unknown[]>(
  ...links: { readonly [K in keyof S]: GradientTransformation<S[K]> }
): GradientTransformation<S> {
  checkChain(...links);
  return transformation({
    role: roleOfChain(links),
    init: (params) => links.map((link) => link.init(params)) as unknown as S,
    update(grads, state, params, progress) {
      let updates = grads;
      const next = links.map((link, i) => {
        const [out, after] = link.update(updates, state[i], params, progress);
        updates = out;
        return after;
      });
      return [updates, next as unknown as S];
    },
  });
}

const checkApplyUpdates = signature('applyUpdates', { params: aTree, updates: aTree });

/** params + updates, leaf by leaf; frozen leaves keep every bit. */
export function applyUpdates<P extends TensorTree>(params: P, updates: TensorTree): P {
  checkApplyUpdates(params, updates);
  return mapTrained((param, update) => param.add(update), params, updates) as P;
}

/**
 * `f` of each leaf of the first tree that is not frozen, with the leaves at its place in the others; frozen leaves
 * stay.
 */
export function mapTrained(
  f: (leaf: Tensor, ...others: Tensor[]) => Tensor,
  tree: TensorTree,
  ...rest: TensorTree[]
): TensorTree {
  const isFrozen = frozenLeaves(tree).values();
  return map((leaf: Tensor, ...others) => (isFrozen.next().value ? leaf : f(leaf, ...others)), tree, ...rest);
}

/** The element type of a tree, also used for scalars of its optimizer's state. */
export function dtypeOf(tree: TensorTree): DType {
  return flatten(tree).leaves[0]?.dtype ?? 'float32';
}

/** step modulo a whole number; exact, as steps are below 2²⁴. */
export const modulo = (step: Tensor, period: number): Tensor =>
  step.sub(step.div(period).floor().mul(period));

/** `a` if the condition (a scalar) holds, else `b`: trees of the same form. */
export function choose<T extends TensorTree>(condition: Tensor, a: T, b: T): T {
  return map((x, y) => where(condition, x, y), a as TensorTree, b as TensorTree) as T;
}
