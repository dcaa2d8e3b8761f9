/** The two copies of a replica, and the two places for batches, which take turns. */
import type { BatchSlot } from './batches.ts';

/** Which of the two copies of the replica is read; an update writes the other. */
export type Parity = 0 | 1;

export const other = (parity: Parity): Parity => (parity === 0 ? 1 : 0);

/** An evaluation begins with the slot of the step before; the other may hold the next step's batch until it goes on. */
export const evaluationSlot = (batch: number, from: Parity): BatchSlot =>
  batch % 2 === 0 ? other(from) : from;
