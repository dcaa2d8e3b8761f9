/** Which generations the compute threads may exchange in by themselves, without their main threads. */
import { alignedSubtrees, defaultChunkRules, outboxBytes, planChunks } from '@lockstep/collectives';
import { laneMessages, sharedMemory } from '@lockstep/lanes';
import type { Member } from '@lockstep/protocol';
import { parseEndpoint } from '@lockstep/transport';
import type { ThreadGroup } from '../compute/commands.ts';
import type { Group } from '../network/invitations.ts';
import type { Run } from '../run/run.ts';

/**
 * What the compute threads need to exchange by themselves. Undefined where a member has no shards, or where an exchange might
 * not fit the mailbox of a lane: all members come to the same answer.
 */
export function threadGroup(
  { generation, run, rank, members }: Group,
  { config, sizes }: Pick<Run, 'config' | 'sizes'>,
  isTraced: boolean,
): ThreadGroup | undefined {
  const ranges = members.map(({ shards }) => shards);
  const numNodes = alignedSubtrees(ranges[rank]!).length;
  // Of the member that sends most, so that all members come to the same answer.
  const mostNodes = Math.max(...ranges.map((range) => alignedSubtrees(range).length));
  const framesOf = (size: number): number =>
    (mostNodes + 1) * planChunks('sum', size, ranges.length, defaultChunkRules).length;
  const framesOfAll = (buckets: readonly number[]): number =>
    buckets.reduce((total, size) => total + framesOf(size), 0);
  // A peer may be an exchange behind.
  const mostFrames = 2 * Math.max(...sizes.buckets.map(framesOfAll));
  const isTooLarge = ranges.length > 1 && mostFrames > laneMessages;
  if (isTooLarge || ranges.some(({ count }) => count === 0)) return undefined;
  return {
    ...{ generation, run, rank, ranges, isTraced },
    numShards: config.numShards,
    outboxBytes: outboxBytes(sizes.largestBytes, numNodes, defaultChunkRules),
    maxHeldBytes: sizes.maxHeldBytes,
  };
}

/**
 * Whether all members are on one host as far as addresses tell. Their threads will most likely exchange by themselves, so that
 * only the lanes of the threads need memory for the sums. It is a guess: containers that do not see each other's processes find
 * that out only when they try.
 */
export function isOneHost(members: readonly Member[]): boolean {
  const hosts = members.map(({ endpoint }) => {
    const parsed = parseEndpoint(endpoint);
    return parsed.transport === 'tcp' ? parsed.host : '';
  });
  return sharedMemory().available && hosts.every((host) => host === hosts[0]);
}
