import { invariant } from '@lockstep/errors';
import { type Chunk, type ChunkRules, planChunks } from './chunks.ts';
import { floatsOf, type Header } from './frame.ts';
import {
  alignedSubtrees,
  type Combine,
  combineSubtrees,
  combineTree,
  type NodePartial,
  nodeKey,
  type ReduceOp,
  type ShardRange,
  type TreeNode,
} from './tree.ts';

/** One all-reduce of a step. */
export interface ReductionRequest {
  readonly step: number;
  readonly collective: number;
  readonly op: ReduceOp;
  /** Partials that together cover exactly this rank's shards; finer than its maximal subtrees is fine. */
  readonly parts: readonly NodePartial[];
  /** Elements of every partial and of the result. */
  readonly size: number;
}

/** The agreed membership, as every rank sees it. */
export interface Membership {
  readonly rank: number;
  /** Shards by rank. */
  readonly ranges: readonly ShardRange[];
  readonly numShards: number;
}

export type FrameVerdict = 'accepted' | 'duplicate' | 'kind' | 'node' | 'chunk' | 'length';

export interface Reduction {
  /** Cuts, keeps and sends this rank's partials. May finish at once. */
  begin(): void;
  accept(header: Header, payload: Uint8Array): FrameVerdict;
}

interface ReductionContext extends Membership {
  readonly combine: Combine;
  readonly rules: ChunkRules;
  send(toRank: number, frame: OutgoingFrame): void;
  done(result: Float32Array): void;
}

export interface OutgoingFrame {
  readonly kind: 'partial' | 'result';
  readonly node: TreeNode;
  readonly chunk: number;
  readonly data: Float32Array;
}

const noNode: TreeNode = { level: 0, index: 0 };

/**
 * Direct reduce-scatter, then all-gather: each chunk's owner receives everyone's partials, combines them in the
 * order of the tree and sends the result to all. A small vector is one chunk that everyone owns.
 */
export function createReduction(request: ReductionRequest, context: ReductionContext): Reduction {
  const { rank, ranges, numShards, rules } = context;
  const { op, size } = request;
  const chunks = planChunks(op, size, ranges.length, rules);
  const combine = context.combine.bind(undefined, op);
  const numNodes = ranges.reduce((sum, range) => sum + alignedSubtrees(range).length, 0);
  const peers = ranges.map((_, peer) => peer).filter((peer) => peer !== rank);
  /** Partials by node, for each chunk that this rank combines. */
  const gathered = chunks.map((chunk) => (isMine(chunk, rank) ? new Map<string, NodePartial>() : undefined));
  const finished = chunks.map(() => false);
  const result = new Float32Array(size);
  let numUnfinished = chunks.length;

  const finish = (at: number, data: Float32Array) => {
    result.set(data, chunks[at]!.start);
    finished[at] = true;
    gathered[at] = undefined;
    if (--numUnfinished === 0) context.done(result);
  };
  const gather = (at: number, part: NodePartial) => {
    const parts = gathered[at]!;
    parts.set(nodeKey(part.node), part);
    if (parts.size < numNodes) return;
    const combined = combineTree(parts.values(), numShards, combine);
    if (chunks[at]!.owner === rank) {
      for (const peer of peers)
        context.send(peer, { kind: 'result', node: noNode, chunk: at, data: combined });
    }
    finish(at, combined);
  };
  const acceptPartial = (header: Header, payload: Uint8Array): FrameVerdict => {
    const node = { level: header.level, index: header.index };
    const theirs = alignedSubtrees(ranges[header.rank]!);
    if (!theirs.some((each) => nodeKey(each) === nodeKey(node))) return 'node';
    if (gathered[header.chunk]!.has(nodeKey(node))) return 'duplicate';
    gather(header.chunk, { node, data: floatsOf(payload) });
    return 'accepted';
  };
  return {
    begin: () => {
      const own = combineSubtrees(request.parts, alignedSubtrees(ranges[rank]!), combine);
      for (const { node, data } of own) {
        invariant(data.length === size, 'a partial has the size of the reduction', {
          node,
          length: data.length,
          size,
        });
      }
      // All chunks are sent before any is finished: finishing may start the next collective.
      for (const [at, chunk] of chunks.entries()) {
        const receivers = chunk.owner === 'everyone' ? peers : peers.filter((peer) => peer === chunk.owner);
        for (const peer of receivers) {
          for (const { node, data } of own) {
            context.send(peer, { kind: 'partial', node, chunk: at, data: cut(data, chunk) });
          }
        }
      }
      for (const [at, chunk] of chunks.entries()) {
        if (!isMine(chunk, rank)) continue;
        for (const { node, data } of own) {
          const mine = cut(data, chunk);
          // The caller may rewrite its partials while others' are awaited.
          gather(at, { node, data: peers.length === 0 ? mine : mine.slice() });
        }
      }
    },
    accept: (header, payload) => {
      const chunk = chunks[header.chunk];
      if (chunk === undefined) return 'chunk';
      if (payload.length !== 4 * chunk.size) return 'length';
      const mayBe = header.kind === 'partial' ? isMine(chunk, rank) : chunk.owner === header.rank;
      if (!mayBe) return 'kind';
      if (finished[header.chunk]) return 'duplicate';
      if (header.kind === 'partial') return acceptPartial(header, payload);
      finish(header.chunk, floatsOf(payload));
      return 'accepted';
    },
  };
}

function isMine(chunk: Chunk, rank: number): boolean {
  return chunk.owner === rank || chunk.owner === 'everyone';
}

function cut(data: Float32Array, { start, size }: Chunk): Float32Array {
  return data.subarray(start, start + size);
}
