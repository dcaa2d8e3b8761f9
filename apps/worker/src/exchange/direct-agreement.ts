/**
 * The agreement of a generation's members to exchange steps directly, from compute thread to compute thread. All members must
 * take the same way in the same step. A mark in the frames that they exchange anyway carries the agreement.
 */
import type { Header } from '@lockstep/collectives';

export interface DirectAgreement {
  /** Begins a step. The answer marks all frames of the step: whether this member can exchange directly. */
  begin(step: number): boolean;
  /** Takes note of a frame that a peer's part in an exchange came with. */
  note(header: Pick<Header, 'rank' | 'step' | 'direct'>): void;
  /**
   * Whether every member has said in an earlier step that it can. A member that has ended step `k` has taken frames of step `k`
   * from every peer. So all members have the same answer when they begin step `k + 1`.
   */
  isReached(step: number): boolean;
}

/**
 * @param canExchange whether this member can exchange directly from now on; asked once a step until it can, since a member never
 * takes its word back in a generation
 */
export function createDirectAgreement(
  rank: number,
  numRanks: number,
  canExchange: () => boolean,
): DirectAgreement {
  /** By rank: the first step whose frames say that the member can. */
  const since = Array.from({ length: numRanks }, () => Number.POSITIVE_INFINITY);
  const say = (of: number, step: number): void => {
    since[of] = Math.min(step, since[of]!);
  };
  return {
    begin(step) {
      if (since[rank] === Number.POSITIVE_INFINITY && canExchange()) say(rank, step);
      return since[rank] !== Number.POSITIVE_INFINITY;
    },
    note(header) {
      if (header.direct) say(header.rank, header.step);
    },
    isReached: (step) => since.every((first) => first < step),
  };
}
