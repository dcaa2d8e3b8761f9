/**
 * Compares what members computed of one step: digests of each step's results and state, and fingerprints. If they differ, the run
 * ends, and the workers that differ from the majority are named. The machine waits for the members that have not reported the step
 * yet, because two reports alone do not say who is right.
 */
import type { WireError } from '@lockstep/errors';
import { fail } from './ending.ts';
import type { Compared } from './state.ts';
import { type Turn, update } from './turn.ts';

/** How many steps of each kind are kept. Members differ by one step at most, so reports are never far behind. */
const KEPT_STEPS = 8;

/** Whether the value is that of the other workers as far as it is known. If not, the run ends at once or soon. */
export function compare(
  turn: Turn,
  worker: string,
  { kind, step }: Pick<Compared, 'kind' | 'step'>,
  value: string,
): boolean {
  const { compared, config } = turn.state;
  if (config.compares === false) return true;
  const known = compared.find((one) => one.kind === kind && one.step === step)?.byWorker ?? {};
  const before = known[worker];
  const byWorker = { ...known, [worker]: value };
  if (before !== undefined && before !== value) {
    const of = { kind, step, byWorker: known };
    diverge(turn, of, [worker], repeated(of, worker, value));
    return false;
  }
  const ofKind = compared
    .filter((one) => one.kind === kind && one.step !== step)
    .concat({ kind, step, byWorker })
    .sort((a, b) => a.step - b.step);
  const others = compared.filter((one) => one.kind !== kind);
  update(turn, { compared: [...others, ...ofKind.slice(-KEPT_STEPS)] });
  return areEqual(byWorker);
}

const areEqual = (byWorker: Compared['byWorker']): boolean => new Set(Object.values(byWorker)).size < 2;

/** Ends the run if members differ and no vote is missing. True if the run has ended. */
export function judge(turn: Turn): boolean {
  const disputed = turn.state.compared.find(({ byWorker }) => !areEqual(byWorker));
  if (disputed === undefined || isVoteMissing(turn, disputed)) return turn.state.phase === 'done';
  const { byWorker } = disputed;
  const agreed = majorityOf(Object.values(byWorker));
  const workers = Object.keys(byWorker).filter((worker) => byWorker[worker] !== agreed);
  diverge(turn, disputed, workers, differing(disputed, workers, agreed));
  return true;
}

/** Whether a worker will still report the step. */
function isVoteMissing({ state }: Turn, { step, byWorker }: Compared): boolean {
  // No member is two steps behind another one.
  if (state.progressStep >= step + 2) return false;
  return [...state.workers].some(
    ([worker, { status, isProven, finish }]) =>
      byWorker[worker] === undefined &&
      finish === null &&
      (status === 'member' || (status === 'asked' && isProven)),
  );
}

/** The value of more than half of the votes, if there is one. */
function majorityOf(votes: readonly string[]): string | undefined {
  return votes.find((vote) => 2 * votes.filter((one) => one === vote).length > votes.length);
}

function diverge(
  turn: Turn,
  { kind, step, byWorker }: Compared,
  workers: readonly string[],
  message: string,
): void {
  turn.effects.push({ type: 'diverged', kind, step, workers, byWorker });
  const facts = { step, workers, [kind === 'digest' ? 'digests' : 'fingerprints']: byWorker };
  const error: WireError = { code: 'internal', message, facts };
  fail(turn, error);
}

const blame = 'a machine or a kernel breaks the numeric profile';

function differing({ kind, step, byWorker }: Compared, workers: readonly string[], agreed?: string): string {
  const each = workers.map((worker) => `worker ${worker} has ${nouns[kind]} ${byWorker[worker]}`).join(', ');
  const others = agreed === undefined ? 'and none has a majority' : `the majority ${agreed}`;
  return `step ${step}: ${each}, ${others}; ${blame}`;
}

const repeated = ({ kind, step, byWorker }: Compared, worker: string, value: string): string =>
  `step ${step}: worker ${worker} computed it twice, with ${nouns[kind]} ${byWorker[worker]} and then ${value}; ${blame}`;

const nouns = { digest: 'digest', fingerprint: 'fingerprint', final: 'fingerprint' } as const;
