/**
 * Compares what members computed of one step. If they differ, the run ends, and the workers that differ from the majority are named.
 * The machine waits for the members that have not reported the step yet, because two reports alone do not say who is right.
 */
import { fail } from './ending.ts';
import type { CoordinatorState, Hashed, Hashes } from './state.ts';
import { type Turn, update } from './turn.ts';

/** How many steps are kept of each kind. Members differ by one step at most, so reports are never far behind. */
const KEPT_STEPS = 8;

/** Whether the hash is that of the other workers as far as it is known. If not, the run ends now or after the missing votes. */
export function compare(
  turn: Turn,
  worker: string,
  { step, of }: Pick<Hashes, 'step' | 'of'>,
  hash: string,
): boolean {
  const { hashes, config, phase } = turn.state;
  if (config.compares === false || phase === 'done') return true;
  const known = hashes.find((one) => one.step === step && one.of === of)?.byWorker ?? {};
  const before = known[worker];
  if (before !== undefined && before !== hash) {
    diverge(
      turn,
      { step, of, byWorker: known },
      [worker],
      repeated(turn, { step, of }, worker, [before, hash]),
    );
    return false;
  }
  const byWorker = { ...known, [worker]: hash };
  const ofKind = hashes
    .filter((one) => one.of === of && one.step !== step)
    .concat({ step, of, byWorker })
    .sort((a, b) => a.step - b.step);
  const others = hashes.filter((one) => one.of !== of);
  update(turn, { hashes: [...others, ...ofKind.slice(-KEPT_STEPS)] });
  return areEqual(byWorker);
}

const areEqual = (byWorker: Hashes['byWorker']): boolean => new Set(Object.values(byWorker)).size < 2;

/** In the order in which a difference is named: that of the model is one of the state too, and both show in the digest. */
const kinds: readonly Hashed[] = ['fingerprint', 'stateHash', 'digest', 'result'];

/** Ends the run if members differ and no vote is missing. True if the run has ended. */
export function judge(turn: Turn): boolean {
  const [disputed] = turn.state.hashes
    .filter(({ byWorker }) => !areEqual(byWorker))
    .sort((a, b) => a.step - b.step || kinds.indexOf(a.of) - kinds.indexOf(b.of));
  if (disputed === undefined || isVoteMissing(turn, disputed)) return turn.state.phase === 'done';
  const { byWorker } = disputed;
  const agreed = majorityOf(Object.values(byWorker));
  const workers = Object.keys(byWorker).filter((worker) => byWorker[worker] !== agreed);
  diverge(turn, disputed, workers, differing(turn, disputed, workers, agreed));
  return true;
}

/** Whether a worker will still report the step. */
function isVoteMissing({ state }: Turn, { step, byWorker }: Hashes): boolean {
  // No member is two steps behind another one.
  if (state.progressStep >= step + 2) return false;
  return [...state.workers].some(
    ([worker, { status, isProven, finish }]) =>
      byWorker[worker] === undefined &&
      finish === null &&
      (status === 'member' || (status === 'asked' && isProven)),
  );
}

/**
 * Whether no member will report other hashes of a step, or of one before it, than those that are known. Without hashes there is nothing
 * to agree on.
 */
export function isAgreed({ state }: Turn, step: number): boolean {
  return state.hashes
    .filter((one) => one.of !== 'result' && one.step <= step)
    .every((one) => areEqual(one.byWorker) && !isReportMissing(state, one));
}

/**
 * Whether the report of a step may still come. It may be long on its way, so unlike for a verdict it does not matter how far others
 * are.
 */
function isReportMissing({ workers, phase, began }: CoordinatorState, { step, byWorker }: Hashes): boolean {
  return [...workers].some(([worker, { status, isProven, finish }]) => {
    if (byWorker[worker] !== undefined || finish !== null) return false;
    // In other phases, a worker that was asked to stop has not answered in time.
    return status === 'member' ? step > began : status === 'asked' && isProven && phase === 'preparing';
  });
}

/** The value of more than half of the votes, if there is one. */
function majorityOf(votes: readonly string[]): string | undefined {
  return votes.find((vote) => 2 * votes.filter((one) => one === vote).length > votes.length);
}

function diverge(
  turn: Turn,
  { step, of, byWorker: hashes }: Hashes,
  workers: readonly string[],
  message: string,
): void {
  turn.effects.push({ type: 'diverged', step, of, workers, hashes });
  fail(turn, { code: 'internal', message, facts: { step, of, workers, hashes } });
}

const nouns: Readonly<Record<Hashed, string>> = {
  fingerprint: 'fingerprint',
  stateHash: 'hash of the whole state',
  digest: 'digest',
  result: 'fingerprint',
};

const blame = 'a machine or a kernel breaks the numeric profile';

function differing(
  turn: Turn,
  { step, of, byWorker }: Hashes,
  workers: readonly string[],
  agreed: string | undefined,
): string {
  const each = workers
    .map((worker) => `worker ${worker}${hostOf(turn, worker)} has the ${nouns[of]} ${byWorker[worker]}`)
    .join(', ');
  const others = agreed === undefined ? 'and none has a majority' : `the majority ${agreed}`;
  return `step ${step}: ${each}, ${others}${detail(turn, step, of)}; ${blame}`;
}

/** Empty for a worker that is lost. */
function hostOf({ state }: Turn, worker: string): string {
  const host = state.workers.get(worker)?.hello.host;
  return host === undefined ? '' : ` on ${host}`;
}

function detail({ state }: Turn, step: number, of: Hashed): string {
  if (of !== 'stateHash') return '';
  const isModelSame = state.hashes.some((one) => one.step === step && one.of === 'fingerprint');
  return isModelSame
    ? '; the fingerprints agree, so the state of the optimizer differs'
    : '; parameters, model state or the state of the optimizer differ';
}

const repeated = (
  turn: Turn,
  { step, of }: Pick<Hashes, 'step' | 'of'>,
  worker: string,
  [before, after]: readonly [string, string],
): string =>
  `step ${step}: worker ${worker}${hostOf(turn, worker)} computed it twice, with the ${nouns[of]} ${before} and then ${after}; ${blame}`;
