/** Builds an ONNX graph: its nodes and its constant tensors. */
import { invariant } from '@lockstep/errors';
import { allocate, type DType, type Shape, type Storage, sizeOf, stridesOf } from '@lockstep/tensor';
import { elementTypes } from './element-types.ts';
import { isFixed, type Length } from './lengths.ts';

export type Attribute = number | readonly number[] | Subgraph;

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output of a graph. The counter of a loop is int64. */
export interface NamedVariable<Type extends DType | 'int64' = DType> {
  readonly name: string;
  readonly dtype: Type;
  readonly shape: readonly Length[];
}

/** The body of a loop or a branch. It can read the values that the outer graph computed before the node. */
export interface Subgraph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly NamedVariable<DType | 'int64'>[];
  readonly outputs: readonly NamedVariable[];
}

/** A constant tensor. Shapes and positions are int64, a type that programs of this library do not have. */
export type Initializer =
  | Storage
  | { readonly dtype: 'int64'; readonly shape: Shape; readonly data: BigInt64Array };

/** The input whose first axis is the batch, if there is one. */
export interface BatchSource {
  readonly tensor: string;
  readonly axis: number;
}

/** A graph in which equal nodes and equal constants exist once (common subexpression elimination). */
export class Graph {
  readonly nodes: Node[] = [];
  /** The constants of the whole model; bodies share them. */
  readonly initializers: Map<string, Initializer>;
  private readonly made = new Map<string, string>();
  private readonly parent: Graph | undefined;
  private readonly names: ReadonlyMap<Storage['data'], string>;
  private readonly batch: BatchSource | undefined;
  private readonly taken: Set<string>;

  /** `names` maps the elements of a constant to its name. `reserved` has the names of inputs and outputs. */
  constructor(
    names: ReadonlyMap<Storage['data'], string>,
    batch: BatchSource | undefined,
    reserved: readonly string[],
    parent?: Graph,
  ) {
    this.names = names;
    this.batch = batch;
    this.parent = parent;
    this.initializers = parent?.initializers ?? new Map();
    this.taken = parent?.taken ?? new Set([...reserved, ...names.values()]);
  }

  /** A graph for the body of a node that will be appended to this graph. */
  inner(): Graph {
    return new Graph(this.names, this.batch, [], this);
  }

  /** Appends an operator with one output and returns the output's name. */
  node(op: string, inputs: readonly string[], attributes: Node['attributes'] = {}): string {
    return this.once(
      JSON.stringify([op, inputs, attributes]),
      () => this.nodeOf(op, inputs, 1, attributes)[0]!,
    );
  }

  /** Appends an operator with several outputs and returns their names. */
  nodeOf(
    op: string,
    inputs: readonly string[],
    numOutputs: number,
    attributes: Node['attributes'] = {},
  ): readonly string[] {
    const outputs = Array.from({ length: numOutputs }, () => this.unique(op.toLowerCase()));
    this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  constant(storage: Storage): string {
    const { dtype, shape, data } = storage;
    const name = this.names.get(data);
    if (name !== undefined) {
      this.initializers.set(name, storage);
      return name;
    }
    // Large constants are not compared, because they are rarely equal.
    const key =
      data.length <= 64
        ? `constant ${dtype} ${shape} ${[...data].map((x) => (Object.is(x, -0) ? '-0' : x))}`
        : undefined;
    const make = (): string => this.initialize(this.unique('constant'), storage);
    return key === undefined ? make() : this.once(key, make);
  }

  scalar(value: number, dtype: DType): string {
    const data = allocate(dtype, 1);
    data[0] = value;
    return this.constant({ dtype, shape: [], data });
  }

  /** A constant int64 vector of positions, axes or lengths. */
  integers(values: readonly number[]): string {
    return this.once(`integers ${values}`, () => {
      const data = BigInt64Array.from(values, BigInt);
      return this.initialize(this.unique('integers'), { dtype: 'int64', shape: [values.length], data });
    });
  }

  /** Lengths as an int64 vector. Lengths that depend on the batch are computed when the model runs. */
  lengths(shape: readonly Length[]): string {
    if (shape.every(isFixed)) return this.integers(shape);
    const parts = shape.map((length) => {
      if (isFixed(length)) return this.integers([length]);
      const rows = this.rows();
      return length.batches === 1 ? rows : this.node('Mul', [rows, this.integers([length.batches])]);
    });
    return this.node('Concat', parts, { axis: 0 });
  }

  /** The sequence start, start + step, … in row-major order, in an array of the given lengths. */
  count(
    { start, step }: { readonly start: number; readonly step: number },
    dtype: DType,
    shape: readonly Length[],
  ): string {
    const [from, by] = [start, step].map((value) => this.integers([value])) as [string, string];
    const size = this.node('ReduceProd', [this.lengths(shape)], { keepdims: 1 });
    const end = this.node('Add', [from, this.node('Mul', [size, by])]);
    const scalars = [from, end, by].map((value) => this.node('Squeeze', [value]));
    const numbers = this.node('Cast', [this.node('Range', scalars)], { to: elementTypes[dtype] });
    return this.reshape(numbers, shape);
  }

  /**
   * Transposes a tensor: axis `i` of the result is axis `order[i]`. A constant is transposed now, not when the model
   * runs.
   */
  transpose(tensor: string, order: readonly number[]): string {
    if (order.every((axis, i) => axis === i)) return tensor;
    const known = this.initializers.get(tensor);
    if (known === undefined || known.dtype === 'int64')
      return this.node('Transpose', [tensor], { perm: order });
    return this.once(`${tensor} in the order ${order}`, () =>
      this.initialize(this.unique(`${tensor}.permuted${order.join('')}`), permuted(known, order)),
    );
  }

  /**
   * Reshapes a tensor. If more than one length depends on the batch, the shape is computed at run time; see {@link
   * lengths}.
   */
  reshape(tensor: string, shape: readonly Length[]): string {
    const known = this.initializers.get(tensor);
    if (known !== undefined && known.dtype !== 'int64' && shape.every(isFixed)) {
      return this.once(`${tensor} as ${shape}`, () =>
        this.initialize(this.unique(`${tensor}.reshaped`), { ...known, shape }),
      );
    }
    const open = shape.filter((length) => !isFixed(length));
    // In ONNX a length of 0 means "copy from the input", and −1 cannot be inferred beside a length of 0.
    const inferred = open.length === 1 && !shape.includes(0);
    const target = inferred
      ? this.integers(shape.map((length) => (isFixed(length) ? length : -1)))
      : this.lengths(shape);
    return this.node('Reshape', [tensor, target], shape.includes(0) ? { allowzero: 1 } : {});
  }

  /** Adds axes of length 1 at `positions` of the result; positions are ascending. */
  unsqueeze(tensor: string, positions: readonly number[]): string {
    if (positions.length === 0) return tensor;
    const known = this.initializers.get(tensor);
    if (known === undefined || known.dtype === 'int64')
      return this.node('Unsqueeze', [tensor, this.integers(positions)]);
    const shape = [...known.shape];
    for (const position of positions) shape.splice(position, 0, 1);
    return this.reshape(tensor, shape);
  }

  /** Renames a node's output. Returns false if the tensor is no output of a node. */
  rename(tensor: string, name: string): boolean {
    if (!this.nodes.some(({ outputs }) => outputs.includes(tensor))) return false;
    for (const [i, node] of this.nodes.entries()) this.nodes[i] = renamed(node, tensor, name);
    return true;
  }

  /** Gives a tensor a second name, by an Identity node. */
  alias(tensor: string, name: string): void {
    this.nodes.push({ op: 'Identity', inputs: [tensor], outputs: [name], attributes: {} });
  }

  /** Removes constants that no node uses any more, such as those of which only the transpose is used. */
  dropUnused(): void {
    const used = new Set(withBodies(this.nodes).flatMap(({ inputs }) => inputs));
    for (const name of this.initializers.keys()) if (!used.has(name)) this.initializers.delete(name);
  }

  /** Names the outputs. A tensor that is no node's output, or that is an output already, gets an Identity node. */
  finish(tensors: readonly string[], names: readonly string[]): void {
    for (const [i, name] of names.entries()) {
      const first = tensors.indexOf(tensors[i]!);
      if (first < i) this.alias(names[first]!, name);
      else if (!this.rename(tensors[i]!, name)) this.alias(tensors[i]!, name);
    }
  }

  /** The number of rows of the batch, which the model computes from its input. int64 [1] */
  private rows(): string {
    if (this.parent !== undefined) return this.parent.rows();
    invariant(this.batch !== undefined, 'only a model with a batch has lengths that depend on it');
    const shape = this.node('Shape', [this.batch.tensor]);
    return this.node('Gather', [shape, this.integers([this.batch.axis])], { axis: 0 });
  }

  private once(key: string, make: () => string): string {
    const known = this.madeBefore(key);
    if (known !== undefined) return known;
    const name = make();
    this.made.set(key, name);
    return name;
  }

  /** Finds an equal node in this graph or in an outer one, whose earlier values a body can read. */
  private madeBefore(key: string): string | undefined {
    return this.made.get(key) ?? this.parent?.madeBefore(key);
  }

  /** A name that is unique in the model. */
  unique(base: string): string {
    let name = base;
    for (let i = 1; this.taken.has(name); i++) name = `${base}_${i}`;
    this.taken.add(name);
    return name;
  }

  private initialize(name: string, value: Initializer): string {
    this.initializers.set(name, value);
    return name;
  }
}

/** The nodes, and the nodes of their bodies. */
export const withBodies = (nodes: readonly Node[]): Node[] =>
  nodes.flatMap((node) => [node, ...subgraphs(node).flatMap((body) => withBodies(body.nodes))]);

const subgraphs = ({ attributes }: Node): Subgraph[] =>
  Object.values(attributes).filter((value) => typeof value === 'object' && 'nodes' in value);

function renamed(node: Node, tensor: string, name: string): Node {
  const replace = (list: readonly string[]): string[] => list.map((one) => (one === tensor ? name : one));
  const attributes = Object.entries(node.attributes).map(([key, value]) => {
    if (typeof value !== 'object' || !('nodes' in value)) return [key, value] as const;
    return [key, { ...value, nodes: value.nodes.map((inner) => renamed(inner, tensor, name)) }] as const;
  });
  return {
    ...node,
    inputs: replace(node.inputs),
    outputs: replace(node.outputs),
    attributes: Object.fromEntries(attributes),
  };
}

function permuted({ dtype, shape, data }: Storage, order: readonly number[]): Storage {
  const target = order.map((axis) => shape[axis]!);
  const strides = order.map((axis) => stridesOf(shape)[axis]!);
  const result = allocate(dtype, sizeOf(shape));
  const index = new Array<number>(order.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from]!;
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < target[axis]!) break;
      from -= strides[axis]! * target[axis]!;
      index[axis] = 0;
    }
  }
  return { dtype, shape: target, data: result };
}
