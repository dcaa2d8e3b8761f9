/**
 * Averages of parameters over a run, kept in the optimizer's state, and lookahead, which moves parameters to an
 * average.
 */
import { flush, full, type Tensor, where, zeros, zerosLike } from '@lockstep/autodiff';
import { aBoolean, aNumber, anything, LockstepError, type Rules, signature } from '@lockstep/errors';
import { map, type Tree } from '@lockstep/tree';
import { check } from './checks.ts';
import { aTransformation } from './kinds.ts';
import { average } from './moments.ts';
import { partsWith } from './search.ts';
import { overTrained } from './trained.ts';
import {
  applyUpdates,
  dtypeOf,
  type GradientTransformation,
  mapTrained,
  modulo,
  type TensorTree,
  transformation,
} from './transformation.ts';

export type EmaState = {
  /** Read it with {@link averagedParams}. */
  readonly averagedParams: TensorTree;
  /** The average is `averagedParams` divided by this weight. [] */
  readonly weight: Tensor;
};

export interface EmaOptions {
  /** The decay of the average per step. Default 0.999. */
  readonly decay?: number;
  /**
   * Start at 0 and divide by 1 − decayᵗ, so that the initial parameters do not count. Before the first update, the
   * average is NaN. Default false.
   */
  readonly debias?: boolean;
}

export const emaRules: Rules<EmaOptions> = { decay: aNumber, debias: aBoolean };

const checkEmaParams = signature('emaParams', {}, emaRules);

/**
 * Passes updates on and keeps a = decay·a + (1 − decay)·w of the resulting parameters. Every step counts once,
 * whatever its number of samples. Frozen parameters are their own average. This must be the last link of a chain: a
 * later link would move the parameters once more.
 */
export function emaParams(options: EmaOptions = {}): GradientTransformation<EmaState> {
  checkEmaParams(options);
  const { decay = 0.999, debias = false } = options;
  check('emaParams', 'decay', { decay });
  return transformation({
    role: { gives: 'gradients' },
    init(params) {
      const dtype = dtypeOf(params);
      return debias
        ? { averagedParams: mapTrained(zerosLike, params), weight: zeros([], dtype) }
        : { averagedParams: params, weight: full([], 1, dtype) };
    },
    update(updates, state, params) {
      const moved = applyUpdates(params, updates);
      const next = mapTrained((a, w) => flush(average(decay, a, w)), state.averagedParams, moved);
      const weight = debias ? average(decay, state.weight, 1) : state.weight;
      return [updates, { averagedParams: next, weight }];
    },
  });
}

export type SwaState = EmaState & {
  /** The number of averaged points. [] */
  readonly count: Tensor;
};

export interface SwaOptions {
  /** The first update whose result counts, from 0. Default 0. */
  readonly start?: number;
  /** The interval, in updates, of the results that count. Default 1: Polyak's average. */
  readonly every?: number;
}

export const swaRules: Rules<SwaOptions> = { start: aNumber, every: aNumber };

const checkSwaParams = signature('swaParams', {}, swaRules);

/**
 * Passes updates on and keeps the plain average of the resulting parameters: of all (Polyak and Juditsky, 1992), or
 * of every `every`-th from `start` on (stochastic weight averaging, Izmailov et al., 2018). Until the first point
 * counts, the average is the initial parameters. The last link of a chain, like {@link emaParams}.
 */
export function swaParams(options: SwaOptions = {}): GradientTransformation<SwaState> {
  checkSwaParams(options);
  const { start = 0, every = 1 } = options;
  check('swaParams', 'steps', { start });
  check('swaParams', 'period', { every });
  return transformation({
    role: { gives: 'gradients' },
    init(params) {
      const dtype = dtypeOf(params);
      return { averagedParams: params, weight: full([], 1, dtype), count: zeros([], dtype) };
    },
    update(updates, { averagedParams: old, weight, count }, params, { step }) {
      const offset = step.sub(start).cast(count.dtype);
      const counts = where(offset.greaterEqual(0), modulo(offset, every), 1).equal(0);
      const number = count.add(1);
      const next = mapTrained(
        (a, w) => where(counts, a.mul(count.div(number)).add(w.div(number)), a),
        old,
        applyUpdates(params, updates),
      );
      return [updates, { averagedParams: next, weight, count: where(counts, number, count) }];
    },
  });
}

const checkAveragedParams = signature('averagedParams', { optState: anything });

/**
 * The averaged parameters in an optimizer's state, wherever {@link emaParams} or {@link swaParams} is in the chain.
 * Throws `argument` unless there is exactly one average.
 */
export function averagedParams(optState: unknown): TensorTree {
  checkAveragedParams(optState);
  const { averagedParams: sums, weight } = averageIn(optState);
  return mapTrained((a) => a.div(weight), sums);
}

const checkAverageIn = signature('averageIn', { optState: anything });

/**
 * The average in an optimizer's state, or in a tree of that form with any leaves. Throws `argument` unless there is
 * exactly one.
 */
export function averageIn<Leaf = Tensor>(
  optState: unknown,
): { readonly averagedParams: Tree<Leaf>; readonly weight: Leaf } {
  checkAverageIn(optState);
  const found = partsWith(optState, 'averagedParams', 'weight');
  if (found.length !== 1) {
    throw new LockstepError(
      'argument',
      `averagedParams: the state holds ${found.length} averages; chain exactly one emaParams() or swaParams(), or give the part of the state that holds it`,
      { numAverages: found.length },
    );
  }
  return found[0] as { readonly averagedParams: Tree<Leaf>; readonly weight: Leaf };
}

export interface LookaheadOptions {
  /** k: the number of inner updates between two steps of the slow weights. Default 5. */
  readonly every?: number;
  /** α: the step of the slow weights, as a fraction of the way to the fast weights. Default 0.5. */
  readonly rate?: number;
}

export const lookaheadRules: Rules<LookaheadOptions> = { every: aNumber, rate: aNumber };

export type LookaheadState<S> = {
  readonly slow: TensorTree;
  readonly inner: S;
};

const checkLookahead = signature('lookahead', { inner: aTransformation }, lookaheadRules);

/**
 * After every k updates of the inner optimizer, slow weights move towards its parameters, φ = φ + α·(w − φ), and the
 * parameters restart from φ (Zhang et al., 2019, algorithm 1). Evaluate at such a step: in between, the parameters
 * are the fast weights.
 */
export function lookahead<S>(
  inner: GradientTransformation<S>,
  options: LookaheadOptions = {},
): GradientTransformation<LookaheadState<S>> {
  checkLookahead(inner, options);
  const { every = 5, rate = 0.5 } = options;
  check('lookahead', 'period', { every });
  check('lookahead', 'share', { rate });
  const link: GradientTransformation<LookaheadState<S>> = {
    init: (params) => ({ slow: params, inner: inner.init(params) }),
    update(grads, state, params, progress) {
      const [updates, next] = inner.update(grads, state.inner, params, progress);
      const meets = modulo(progress.step.add(1), every).equal(0);
      const slow = map(
        (s, w) => where(meets, s.add(w.sub(s).mul(rate)), s),
        state.slow,
        applyUpdates(params, updates),
      );
      const steps = map((s, w, u) => where(meets, s.sub(w), u), slow, params, updates);
      return [steps, { slow, inner: next }];
    },
  };
  return overTrained(link, inner.role ?? {});
}
