/** Different transformations for different parameters, selected by path and shape. */

import { zerosLike } from '@lockstep/autodiff';
import { aFunction, LockstepError, oneOf, type Rules, recordOf, signature } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';
import { flatten, frozenLeaves, leafPaths, map } from '@lockstep/tree';
import { aTransformation } from './kinds.ts';
import { roleOfParts } from './role.ts';
import { pick, put } from './trained.ts';
import {
  type Empty,
  type GradientTransformation,
  stateless,
  type TensorTree,
  transformation,
} from './transformation.ts';

/** Selects parameters by path, such as `layers/0/bias`, and shape. */
export type Mask = (path: string, shape: Shape) => boolean;

/** Sets updates to 0, so that parameters do not move. */
export const freeze = (): GradientTransformation<Empty> => ({
  ...stateless((grads) => map(zerosLike, grads)),
  role: { stops: true },
});

export interface MaskedOptions {
  /**
   * The updates of the other parameters pass unchanged, or become 0. Default 'pass'. Links that return steps, such as
   * optimizers, have no default: beside them, unchanged gradients would move parameters uphill.
   */
  readonly rest?: 'pass' | 'zero';
}

const maskedRules: Rules<MaskedOptions> = { rest: oneOf('pass', 'zero') };
const checkMasked = signature('masked', { link: aTransformation, mask: aFunction }, maskedRules);

/**
 * Applies the link to selected parameters only; the updates of the others pass unchanged, or become 0. The link sees
 * trees with `null` for parameters that are not selected. Throws `argument` if the mask selects no parameter, or if
 * an optimizer comes without the option `rest`.
 */
export function masked<S>(
  link: GradientTransformation<S>,
  mask: Mask,
  options: MaskedOptions = {},
): GradientTransformation<S> {
  checkMasked(link, mask, options);
  const { rest } = options;
  const { gives, ...others } = link.role ?? {};
  const choose = (params: TensorTree): boolean[] => {
    const chosen = describe(params).map(({ path, shape }) => mask(path, shape));
    if (!chosen.includes(true)) throw nothingChosen('masked: the mask', params);
    if (rest === undefined && gives === 'steps') {
      const isFrozen = frozenLeaves(params);
      const left = leafPaths(params).filter((_, i) => !chosen[i] && !isFrozen[i]);
      if (left.length > 0) throw raw(left);
    }
    return chosen;
  };
  const isPartly = gives === 'steps' && rest === 'pass';
  return transformation({
    role: isPartly || gives === undefined ? others : { gives, ...others },
    init: (params) => link.init(pick(params, choose(params))),
    update(grads, state, params, progress) {
      const chosen = choose(params);
      const [updates, next] = link.update(pick(grads, chosen), state, pick(params, chosen), progress);
      return [put(rest === 'zero' ? map(zerosLike, grads) : grads, chosen, updates), next];
    },
  });
}

const checkMultiTransform = signature('multiTransform', {
  transformations: recordOf(aTransformation, 'an object of optimizers by label'),
  label: aFunction,
});

/**
 * One transformation per label, applied to the parameters with that label: optax's `multi_transform`, PyTorch's
 * parameter groups. Throws `argument` for a label without a transformation or without parameters, and if some
 * transformations return steps and others gradients.
 *
 * @example
 * multiTransform({ body: adam(1e-3), head: sgd(0.1) }, (path) => (path.startsWith('head') ? 'head' : 'body'))
 */
export function multiTransform<S extends Readonly<Record<string, unknown>>>(
  transformations: { readonly [K in keyof S]: GradientTransformation<S[K]> },
  label: (path: string, shape: Shape) => keyof S & string,
): GradientTransformation<S> {
  checkMultiTransform(transformations, label);
  const names: (keyof S & string)[] = Object.keys(transformations).sort();
  const choose = (params: TensorTree): Map<keyof S & string, boolean[]> => {
    const labels = describe(params).map(({ path, shape }) => {
      const found = label(path, shape);
      if (!names.includes(found)) throw unknownLabel(found, path, names);
      return found;
    });
    return new Map(
      names.map((name) => {
        const chosen = labels.map((found) => found === name);
        if (!chosen.includes(true)) throw nothingChosen(`multiTransform: the label '${name}'`, params);
        return [name, chosen];
      }),
    );
  };
  return transformation({
    role: roleOfParts('multiTransform', transformations),
    init(params) {
      const states = [...choose(params)].map(([name, chosen]) => [
        name,
        transformations[name].init(pick(params, chosen)),
      ]);
      return Object.fromEntries(states) as S;
    },
    update(grads, state, params, progress) {
      let updates = grads;
      const next = [...choose(params)].map(([name, chosen]) => {
        const inputs = [pick(grads, chosen), state[name], pick(params, chosen), progress] as const;
        const [part, after] = transformations[name].update(...inputs);
        updates = put(updates, chosen, part);
        return [name, after];
      });
      return [updates, Object.fromEntries(next) as S];
    },
  });
}

function describe(params: TensorTree): { path: string; shape: Shape }[] {
  const paths = leafPaths(params);
  return flatten(params).leaves.map(({ shape }, i) => ({ path: paths[i]!, shape }));
}

const raw = (paths: readonly string[]): LockstepError =>
  new LockstepError(
    'argument',
    `masked: the link returns steps downhill, but the raw gradients of the other parameters (${listed(paths)}) would pass and move these uphill; use { rest: 'zero' } to keep the others still, { rest: 'pass' } to leave them to a later link, or multiTransform to give each part its optimizer`,
    { paths },
  );

function nothingChosen(who: string, params: TensorTree): LockstepError {
  const paths = leafPaths(params);
  return new LockstepError(
    'argument',
    `${who} matches none of the ${paths.length} parameters (${listed(paths)}); correct the condition, or leave it out`,
    { paths },
  );
}

function unknownLabel(label: unknown, path: string, names: readonly string[]): LockstepError {
  return new LockstepError(
    'argument',
    `multiTransform: parameter ${path} has the label '${String(label)}', but there are transformations for ${names.join(', ')}; add one for it, or freeze()`,
    { label, path, names },
  );
}

/** The first few names, for a message. */
const listed = (paths: readonly string[]): string =>
  paths.length > 6 ? `${paths.slice(0, 6).join(', ')}, …` : paths.join(', ');
