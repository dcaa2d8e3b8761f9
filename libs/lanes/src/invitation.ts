/** How a peer finds the region of a lane's owner, and how it opens it. */
import { type Rope, reachBell } from './bell.ts';
import { nonceBytes, type Region, regionOf } from './region.ts';
import { sharedMemory } from './shared-memory.ts';

export interface Invitation {
  readonly pid: number;
  /** Descriptors of the region and of the bell in that process. */
  readonly fd: number;
  readonly bell: number;
  /** Size of the region. */
  readonly bytes: number;
  /** The first bytes of the region, in hexadecimal. */
  readonly nonce: string;
}

/** A peer's region and the way to its bell. */
export interface Peer extends Region {
  readonly rope: Rope;
  /** Its attention when we last rang. */
  rungAt: number;
}

export function encodeInvitation(invitation: Invitation): Uint8Array {
  return Buffer.from(JSON.stringify(invitation));
}

/** Undefined if the peer cannot be reached through memory. */
export function openPeer(invitation: Uint8Array): Peer | undefined {
  const memory = sharedMemory();
  const theirs = parseInvitation(invitation);
  if (!memory.available || theirs === undefined) return undefined;
  const { pid, fd, bell, bytes } = theirs;
  try {
    const region = regionOf(memory.open(pid, fd, bytes));
    const nonce = Buffer.from(region.bytes.subarray(0, nonceBytes)).toString('hex');
    return nonce === theirs.nonce ? { ...region, rope: reachBell(pid, bell), rungAt: -1 } : undefined;
  } catch {
    // A region that cannot be opened is an answer: its owner is on another host or in another container.
    return undefined;
  }
}

function parseInvitation(bytes: Uint8Array): Invitation | undefined {
  let value: Partial<Record<keyof Invitation, unknown>> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // Without a valid invitation, messages go over the network.
    return undefined;
  }
  const isNumber = (each: unknown) => Number.isSafeInteger(each) && (each as number) > 0;
  const numbers = [value?.pid, value?.fd, value?.bell, value?.bytes];
  return numbers.every(isNumber) && typeof value?.nonce === 'string' ? (value as Invitation) : undefined;
}
