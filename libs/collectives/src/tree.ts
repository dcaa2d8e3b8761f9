import { LockstepError } from '@lockstep/errors';

/** A node of the binary tree over shards: covers shards `[index·2^level, (index+1)·2^level)`. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The partial result of a node's shards. */
export interface NodePartial {
  readonly node: TreeNode;
  readonly data: Float32Array;
}

/**
 * What is reduced: elementwise sums, or moments `[count, mean[C], m2[C]]`,
 * whose elements depend on each other and which are therefore never cut.
 */
export type ReduceOp = 'sum' | 'moments';

/** Writes the combination of a node's left and right child to `out`, which is neither of them. */
export type Combine = (op: ReduceOp, out: Float32Array, left: Float32Array, right: Float32Array) => void;

/** `combine` for one op. */
export type CombinePair = (out: Float32Array, left: Float32Array, right: Float32Array) => void;

/** Contiguous shards, those of a worker or a thread. */
export interface ShardRange {
  readonly start: number;
  readonly count: number;
}

export function nodeKey(node: TreeNode): string {
  return `${node.level}:${node.index}`;
}

/** The fewest nodes that cover exactly the range, from left to right. */
export function alignedSubtrees({ start, count }: ShardRange): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let at = start; at < start + count; ) {
    let level = 0;
    while (at % (1 << (level + 1)) === 0 && at + (1 << (level + 1)) <= start + count) level++;
    nodes.push({ level, index: at / (1 << level) });
    at += 1 << level;
  }
  return nodes;
}

/** The root of the tree over `numShards` shards. Throws `argument` unless that is a power of two. */
export function rootOf(numShards: number): TreeNode {
  const level = 31 - Math.clz32(numShards);
  if (numShards === 1 << level) return { level, index: 0 };
  throw new LockstepError('argument', `the number of shards must be a power of two, not ${numShards}`, {
    numShards,
  });
}

/**
 * Combines partials along the tree, in its order whatever theirs, up to each of `targets` (together: all of them).
 * A target that is given comes back as it is. Throws `internal` when partials are missing, twice, or left over.
 */
export function combineSubtrees(
  parts: Iterable<NodePartial>,
  targets: readonly TreeNode[],
  combine: CombinePair,
): NodePartial[] {
  const given = new Map<string, Float32Array>();
  let size: number | undefined;
  for (const { node, data } of parts) {
    size ??= data.length;
    if (data.length !== size) throw broken(`has ${data.length} elements and others ${size}`, node);
    if (given.has(nodeKey(node))) throw broken('is given twice', node);
    given.set(nodeKey(node), data);
  }
  const scratch = new Set<Float32Array>();
  const free: Float32Array[] = [];
  const evaluate = (node: TreeNode): Float32Array => {
    const data = given.get(nodeKey(node));
    if (data !== undefined) {
      given.delete(nodeKey(node));
      return data;
    }
    if (node.level === 0) throw broken('is missing', node);
    const left = evaluate({ level: node.level - 1, index: 2 * node.index });
    const right = evaluate({ level: node.level - 1, index: 2 * node.index + 1 });
    const out = free.pop() ?? new Float32Array(left.length);
    scratch.add(out);
    combine(out, left, right);
    for (const child of [left, right]) if (scratch.has(child)) free.push(child);
    return out;
  };
  const combined = targets.map((node) => ({ node, data: evaluate(node) }));
  if (given.size > 0) throw broken(`overlaps or is outside: ${[...given.keys()].join(' ')}`, targets[0]);
  return combined;
}

/** The value at the root of the tree over `numShards` shards; see {@link combineSubtrees}. */
export function combineTree(
  parts: Iterable<NodePartial>,
  numShards: number,
  combine: CombinePair,
): Float32Array {
  return combineSubtrees(parts, [rootOf(numShards)], combine)[0]!.data;
}

function broken(what: string, node: TreeNode | undefined): LockstepError {
  return new LockstepError('internal', `tree reduction: node ${node ? nodeKey(node) : 'none'} ${what}`, {
    node,
  });
}
