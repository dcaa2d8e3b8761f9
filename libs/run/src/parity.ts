/** The two copies of a replica. */

/** Which of the two copies of the replica is current; what arrives from elsewhere fills the other. */
export type Parity = 0 | 1;

export const other = (parity: Parity): Parity => (parity === 0 ? 1 : 0);
