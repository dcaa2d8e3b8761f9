/**
 * Whether a generation's steps are exchanged directly, by compute threads (compute/stepper.ts) instead of main threads: where
 * all workers are on one host and allow it, from the first step on that all of them know this.
 */
import { alignedSubtrees, defaultChunkRules, outboxBytes, planChunks } from '@lockstep/collectives';
import { laneMessages, sharedMemory } from '@lockstep/lanes';
import type { Member } from '@lockstep/protocol';
import { type Mesh, parseEndpoint } from '@lockstep/transport';
import type { ThreadGroup } from './compute/commands.ts';
import type { Pool } from './compute/pool.ts';
import { createInvitations, type Group, threadLane } from './invitations.ts';
import type { Session } from './session.ts';

/** What the compute threads need to exchange by themselves; undefined where an exchange might not fit their lane. */
export function threadGroup(
  { generation, run, rank, members }: Group,
  { config, exchangeSizes, largestExchange, maxHeldBytes }: Session,
  isTraced: boolean,
): ThreadGroup | undefined {
  const ranges = members.map(({ shards }) => shards);
  const numNodes = alignedSubtrees(ranges[rank]!).length;
  // Of whoever sends most, so that all ranks come to the same answer.
  const mostNodes = Math.max(...ranges.map((range) => alignedSubtrees(range).length));
  const framesOf = (size: number): number =>
    (mostNodes + 1) * planChunks('sum', size, ranges.length, defaultChunkRules).length;
  const framesOfAll = (sizes: readonly number[]): number =>
    sizes.reduce((total, size) => total + framesOf(size), 0);
  // A peer may be an exchange behind.
  const mostFrames = 2 * Math.max(...exchangeSizes.map(framesOfAll));
  if (ranges.some(({ count }) => count === 0) || (ranges.length > 1 && mostFrames > laneMessages))
    return undefined;
  return {
    ...{ generation, run, rank, ranges, isTraced },
    numShards: config.numShards,
    outboxBytes: outboxBytes(largestExchange, numNodes, defaultChunkRules),
    maxHeldBytes,
  };
}

/**
 * Whether threads will most likely exchange directly, so that their lane alone needs memory for the sums: a guess, for
 * what would be in the way, containers that do not see each other's processes, shows only when they try.
 */
export function isOneHost(members: readonly Member[]): boolean {
  const hosts = members.map(({ endpoint }) => {
    const parsed = parseEndpoint(endpoint);
    return parsed.transport === 'tcp' ? parsed.host : '';
  });
  return sharedMemory().available && hosts.every((host) => host === hosts[0]);
}

/** Passes invitations between the first compute threads of workers. */
export function createThreadInvitations(mesh: Pick<Mesh, 'sendOwned'>, pool: Pick<Pool, 'invite'>) {
  const { open, came, close } = createInvitations(mesh, threadLane);
  return {
    came,
    close,
    /** The first thread of this worker has a lane. */
    opened: (group: Group, invitation: Uint8Array): void =>
      open(group, invitation, (rank, theirs) =>
        pool.invite({ generation: group.generation, rank, invitation: theirs }),
      ),
  };
}
