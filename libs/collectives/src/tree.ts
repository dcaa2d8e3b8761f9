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
 * How a bucket is reduced: as elementwise sums, or as moments `[count, mean[C], m2[C]]`, whose elements depend on each
 * other, so that they are never cut.
 */
export type BucketOp = 'sum' | 'moments';

/** Writes the combination of a node's left and right child to `out`, which is neither of them. */
export type CombinePair = (out: Float32Array, left: Float32Array, right: Float32Array) => void;

/** The arithmetic on vectors, which the fastest kernels provide. */
export interface Combine extends Readonly<Record<BucketOp, CombinePair>> {
  /** Copies `data` to `out`, which has the same length and other memory. */
  copy(out: Float32Array, data: Float32Array): void;
}

/** Contiguous shards, such as those of a worker or a thread. */
export interface ShardRange {
  readonly start: number;
  readonly count: number;
}

/** A number that identifies the node. */
export function nodeKey({ level, index }: TreeNode): number {
  return level * 2 ** 32 + index;
}

/** The smallest list of nodes that cover exactly the range, from left to right. */
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

/** The root of the tree over `numShards` shards. Throws `argument` unless `numShards` is a power of two. */
export function rootOf(numShards: number): TreeNode {
  const level = 31 - Math.clz32(numShards);
  if (numShards === 1 << level) return { level, index: 0 };
  throw new LockstepError('argument', `the number of shards must be a power of two, not ${numShards}`, {
    numShards,
  });
}

/** Arrays for the values of inner nodes, reused from one combination to the next. */
export interface Scratch {
  take(size: number): Float32Array;
  give(array: Float32Array): void;
}

export function createScratch(): Scratch {
  const free = new Map<number, Float32Array[]>();
  return {
    take: (size) => free.get(size)?.pop() ?? new Float32Array(size),
    give: (array) => {
      const same = free.get(array.length);
      if (same === undefined) free.set(array.length, [array]);
      else same.push(array);
    },
  };
}

/** The op, arithmetic and memory of a combination. */
export interface Combination {
  readonly op: BucketOp;
  readonly combine: Combine;
  readonly scratch: Scratch;
}

/**
 * Combines partials in the order of the tree, whatever the order of the list, and writes the value at `root` to `out`,
 * which is not one of them. Together they cover exactly the shards of `root`. Throws `internal` if a partial is missing,
 * given twice, or outside.
 */
export function combineAt(
  root: TreeNode,
  partials: Iterable<NodePartial>,
  { op, combine, scratch }: Combination,
  out: Float32Array,
): void {
  const given = new Map<number, NodePartial>();
  for (const partial of partials) {
    const { node, data } = partial;
    if (data.length !== out.length) throw broken(`has ${data.length} elements, not ${out.length}`, node);
    if (given.has(nodeKey(node))) throw broken('is given twice', node);
    given.set(nodeKey(node), partial);
  }
  const takePartial = (node: TreeNode): Float32Array | undefined => {
    const partial = given.get(nodeKey(node));
    given.delete(nodeKey(node));
    return partial?.data;
  };
  const evaluate = ({ level, index }: TreeNode, to: Float32Array): void => {
    if (level === 0) throw broken('is missing', { level, index });
    const children = [2 * index, 2 * index + 1].map((child) => {
      const node = { level: level - 1, index: child };
      const data = takePartial(node);
      if (data !== undefined) return { data, isOurs: false };
      const own = scratch.take(out.length);
      evaluate(node, own);
      return { data: own, isOurs: true };
    });
    const [left, right] = children;
    combine[op](to, left!.data, right!.data);
    for (const { data, isOurs } of children) if (isOurs) scratch.give(data);
  };
  const whole = takePartial(root);
  if (whole === undefined) evaluate(root, out);
  else combine.copy(out, whole);
  if (given.size > 0) {
    const rest = Array.from(given.values(), ({ node }) => nameOf(node));
    throw broken(`overlaps or is outside: ${rest.join(' ')}`, root);
  }
}

/** The value at the root of the tree over `numShards` shards; see {@link combineAt}. */
export function combineTree(
  partials: Iterable<NodePartial>,
  numShards: number,
  op: BucketOp,
  combine: Combine,
): Float32Array {
  const given = [...partials];
  const out = new Float32Array(given[0]?.data.length ?? 0);
  combineAt(rootOf(numShards), given, { op, combine, scratch: createScratch() }, out);
  return out;
}

/** Whether `node` lies in the subtree of `root`, or is it. */
export function isWithin(node: TreeNode, root: TreeNode): boolean {
  return node.level <= root.level && node.index >> (root.level - node.level) === root.index;
}

const nameOf = ({ level, index }: TreeNode): string => `${level}:${index}`;

function broken(what: string, node: TreeNode): LockstepError {
  return new LockstepError('internal', `tree reduction: node ${nameOf(node)} ${what}`, { node });
}
