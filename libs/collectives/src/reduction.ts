import { invariant } from '@lockstep/errors';
import { type Chunk, type ChunkRules, planChunks } from './chunks.ts';
import { floatsOf, type Header } from './frame.ts';
import {
  alignedSubtrees,
  type BucketOp,
  type Combine,
  combineAt,
  createScratch,
  isWithin,
  type NodePartial,
  nodeKey,
  rootOf,
  type Scratch,
  type ShardRange,
  type TreeNode,
} from './tree.ts';

/** A bucket bound to memory: what this rank has of it, and where the result goes. */
export interface BoundBucket {
  readonly op: BucketOp;
  /** Elements of every partial and of the result. */
  readonly size: number;
  /**
   * Partials that together cover exactly this rank's shards; finer than its maximal subtrees is fine. They are read
   * until the reduction is done or aborted.
   */
  readonly partials: readonly NodePartial[];
  /** Filled chunk by chunk from the start on: complete when the reduction is done. */
  readonly result: Float32Array;
}

/** One all-reduce of a step. */
export interface ReductionRequest extends BoundBucket {
  readonly step: number;
  /** See `encodeFrameId`. Those of a step start in ascending order. */
  readonly frameId: number;
  /** See {@link Header.direct}. */
  readonly direct?: boolean;
}

/** The agreed division of the shards, as one rank sees it. */
export interface ShardDivision {
  readonly rank: number;
  /** Shards by rank. */
  readonly ranges: readonly ShardRange[];
  readonly numShards: number;
}

export type FrameVerdict = 'accepted' | 'duplicate' | 'kind' | 'node' | 'chunk' | 'length';

export interface Reduction {
  /** Cuts this rank's partials into chunks and sends them. May finish at once. */
  begin(): void;
  accept(header: Header, payload: Uint8Array): FrameVerdict;
}

interface ReducerContext extends ShardDivision {
  readonly combine: Combine;
  readonly rules: ChunkRules;
  /** Memory for a payload of `size` elements. */
  reserve(size: number): Float32Array;
  /** Sends a frame whose data was reserved. */
  send(toRanks: readonly number[], frame: OutgoingFrame, of: ReductionRequest): void;
}

/** What all reductions of a generation have in common. */
interface Common extends ReducerContext {
  readonly root: TreeNode;
  /** The other ranks. */
  readonly peers: readonly number[];
  /** By rank: the nodes whose partials the rank sends. */
  readonly nodes: readonly (readonly TreeNode[])[];
  readonly numForeignNodes: number;
  readonly scratch: Scratch;
  chunksOf(op: BucketOp, size: number): readonly Chunk[];
}

export interface OutgoingFrame {
  readonly kind: 'partial' | 'result';
  readonly node: TreeNode;
  readonly chunk: number;
  readonly data: Float32Array;
}

const noNode: TreeNode = { level: 0, index: 0 };

/** Creates a reduction of a generation; `onDone` is called when the request's `result` is complete. */
export type Reducer = (request: ReductionRequest, onDone: () => void) => Reduction;

export function createReducer(context: ReducerContext): Reducer {
  const { rank, ranges, numShards, rules } = context;
  const peers = ranges.map((_, peer) => peer).filter((peer) => peer !== rank);
  const nodes = ranges.map(alignedSubtrees);
  const planned = { sum: new Map<number, Chunk[]>(), moments: new Map<number, Chunk[]>() };
  const common: Common = {
    ...context,
    root: rootOf(numShards),
    peers,
    nodes,
    numForeignNodes: peers.reduce((sum, peer) => sum + nodes[peer]!.length, 0),
    scratch: createScratch(),
    chunksOf(op, size) {
      const chunks = planned[op].get(size) ?? planChunks(op, size, ranges.length, rules);
      planned[op].set(size, chunks);
      return chunks;
    },
  };
  return (request, onDone) => createReduction(request, onDone, common);
}

/**
 * Direct reduce-scatter, then all-gather: each chunk's owner receives the partials of all ranks, combines them in the
 * order of the tree and sends the result to all. A small bucket is one chunk that every rank owns.
 */
function createReduction(request: ReductionRequest, onDone: () => void, common: Common): Reduction {
  const { rank, root, peers, numForeignNodes, combine, reserve } = common;
  const { op, size, partials, result } = request;
  const chunks = common.chunksOf(op, size);
  const how = { op, combine, scratch: common.scratch };
  const ownNodes = common.nodes[rank]!;
  const send = (toRanks: readonly number[], frame: OutgoingFrame) => common.send(toRanks, frame, request);
  /** For each chunk that this rank combines: the peers' partials by node. */
  const gathered = chunks.map((chunk) => (isMine(chunk, rank) ? new Map<number, NodePartial>() : undefined));
  const finished = chunks.map(() => false);
  let numUnfinished = chunks.length;

  const cutPartials = (chunk: Chunk, within: TreeNode): NodePartial[] =>
    partials
      .filter(({ node }) => isWithin(node, within))
      .map(({ node, data }) => ({ node, data: cut(data, chunk) }));
  const finish = (at: number) => {
    finished[at] = true;
    gathered[at] = undefined;
    if (--numUnfinished === 0) onDone();
  };
  const combineIfComplete = (at: number) => {
    const chunk = chunks[at]!;
    const foreign = gathered[at]!;
    if (foreign.size < numForeignNodes) return;
    const all = [...cutPartials(chunk, root), ...foreign.values()];
    const target = cut(result, chunk);
    if (chunk.owner === 'everyone' || peers.length === 0) {
      combineAt(root, all, how, target);
    } else {
      const data = reserve(chunk.size);
      combineAt(root, all, how, data);
      send(peers, { kind: 'result', node: noNode, chunk: at, data });
      combine.copy(target, data);
    }
    finish(at);
  };
  const publish = (at: number, chunk: Chunk, receivers: readonly number[]) => {
    for (const node of ownNodes) {
      const data = reserve(chunk.size);
      combineAt(node, cutPartials(chunk, node), how, data);
      send(receivers, { kind: 'partial', node, chunk: at, data });
    }
  };
  const acceptPartial = (header: Header, payload: Uint8Array): FrameVerdict => {
    const key = nodeKey(header);
    const node = common.nodes[header.rank]!.find((each) => nodeKey(each) === key);
    if (node === undefined) return 'node';
    const foreign = gathered[header.chunk]!;
    if (foreign.has(key)) return 'duplicate';
    foreign.set(key, { node, data: floatsOf(payload) });
    combineIfComplete(header.chunk);
    return 'accepted';
  };
  return {
    begin: () => {
      for (const { node, data } of [...partials, { node: undefined, data: result }]) {
        const isOwn = node === undefined || ownNodes.some((own) => isWithin(node, own));
        invariant(
          isOwn && data.length === size,
          "partials are of the reduction's size and this rank's shards",
          {
            node,
            length: data.length,
            size,
          },
        );
      }
      // All chunks are sent before any is finished, because finishing may start the next all-reduce.
      for (const [at, chunk] of chunks.entries()) {
        const receivers = chunk.owner === 'everyone' ? peers : peers.filter((peer) => peer === chunk.owner);
        if (receivers.length > 0) publish(at, chunk, receivers);
      }
      for (const [at, chunk] of chunks.entries()) if (isMine(chunk, rank)) combineIfComplete(at);
    },
    accept: (header, payload) => {
      const chunk = chunks[header.chunk];
      if (chunk === undefined) return 'chunk';
      if (payload.length !== 4 * chunk.size) return 'length';
      const isExpected = header.kind === 'partial' ? isMine(chunk, rank) : chunk.owner === header.rank;
      if (!isExpected) return 'kind';
      if (finished[header.chunk]) return 'duplicate';
      if (header.kind === 'partial') return acceptPartial(header, payload);
      combine.copy(cut(result, chunk), floatsOf(payload));
      finish(header.chunk);
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
