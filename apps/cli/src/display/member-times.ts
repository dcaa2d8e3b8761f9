/** What the steps of each member take, as means over the last steps, and for whom the others wait. */
import type { Update } from '@lockstep/coordinator';

/** Means of a step, in milliseconds. */
export interface MemberTimes {
  readonly rank: number;
  readonly host: string;
  readonly stepMs: number;
  readonly computeMs: number;
  readonly waitMs: number;
  readonly networkMs: number;
}

export interface Waiting {
  /** The member for which the others wait. */
  readonly rank: number;
  /** Its machine, if there are several. */
  readonly host: string | undefined;
  /** How long the others wait in a step: their median. */
  readonly waitMs: number;
}

export interface MemberTracker {
  see(update: Update): void;
  /** Members of the current generation that have reported a step, by rank. */
  members(): readonly MemberTimes[];
}

const fields = ['stepMs', 'computeMs', 'waitMs', 'networkMs'] as const;

/** The weight of a step against the one after it: about the last twenty count. */
const forgetting = 0.95;

interface Tracked {
  rank: number;
  /** The sum of the weights of steps so far. */
  weight: number;
  readonly sums: Record<(typeof fields)[number], number>;
}

export function createMemberTracker(): MemberTracker {
  const hosts = new Map<string, string>();
  /** By id: a rank belongs to another worker in the next generation. Begun anew with each, whose shards are others. */
  let tracked = new Map<string, Tracked>();

  function seeWork({ worker, work }: Extract<Update, { type: 'work' }>): void {
    const one = tracked.get(worker);
    if (one === undefined || typeof work.rank !== 'number') return;
    one.rank = work.rank;
    one.weight = one.weight * forgetting + 1;
    for (const field of fields) {
      const value = work[field];
      one.sums[field] = one.sums[field] * forgetting + (typeof value === 'number' ? value : 0);
    }
  }

  return {
    see(update) {
      if (update.type === 'work') seeWork(update);
      if (update.type !== 'event') return;
      const { event } = update;
      if (event.type === 'joined') hosts.set(event.worker, event.host);
      if (event.type === 'lost') hosts.delete(event.worker);
      if (event.type === 'waiting') tracked = new Map();
      if (event.type === 'generation')
        tracked = new Map(event.workers.map((worker) => [worker, untracked()]));
    },
    members: () =>
      [...tracked]
        .filter(([, { weight }]) => weight > 0)
        .map(([worker, { rank, weight, sums }]) => ({
          ...{ rank, host: hosts.get(worker) ?? '' },
          ...{ stepMs: sums.stepMs / weight, computeMs: sums.computeMs / weight },
          ...{ waitMs: sums.waitMs / weight, networkMs: sums.networkMs / weight },
        }))
        .sort((a, b) => a.rank - b.rank),
  };
}

const untracked = (): Tracked => ({
  rank: 0,
  weight: 0,
  sums: { stepMs: 0, computeMs: 0, waitMs: 0, networkMs: 0 },
});

/** Waiting that is a smaller share of a step is not worth a word. */
const leastShare = 0.1;

/**
 * An exchange is done when the slowest member has sent its part, so the member that waits least is the one for which the others wait.
 * Undefined where they wait about equally long.
 */
export function waitingOf(members: readonly MemberTimes[]): Waiting | undefined {
  const [slowest, ...others] = [...members].sort((a, b) => a.waitMs - b.waitMs);
  if (slowest === undefined || others.length === 0) return undefined;
  const { waitMs, stepMs } = others[Math.floor(others.length / 2)]!;
  if (waitMs - slowest.waitMs < leastShare * stepMs) return undefined;
  const isOneMachine = members.every(({ host }) => host === slowest.host);
  return { rank: slowest.rank, host: isOneMachine ? undefined : slowest.host, waitMs };
}
