/**
 * Lowerings of control flow. A body becomes a subgraph of a node; it reads values of the outer graph by their names.
 */
import type { Attrs } from '@lockstep/autodiff';
import type { Graph, NamedVariable, Subgraph } from './graph.ts';
import type { ConstructLowering, LoweredConstruct } from './lowering.ts';
import type { SymbolicProgram, Variable } from './symbolic.ts';
import { plainView, type View, whole } from './views.ts';

type Body = Pick<LoweredConstruct, 'graph' | 'lowerBody'>;

/** New inputs for a body, like the given variables. */
function inputsLike(graph: Graph, variables: readonly Variable[]): NamedVariable[] {
  return variables.map(({ dtype, shape }) => ({ name: graph.unique('state'), dtype, shape }));
}

const viewsOf = (variables: readonly NamedVariable[]): View[] =>
  variables.map(({ name, dtype, shape }) => plainView(name, dtype, shape));

/** Builds the subgraph of a body; the views that `compute` returns become its outputs. */
function subgraph(
  { graph }: Body,
  inputs: readonly NamedVariable[],
  outs: readonly Variable[],
  compute: (inner: Graph) => readonly View[],
): Subgraph {
  const inner = graph.inner();
  const tensors = compute(inner).map((view) => whole(inner, view));
  const outputs = outs.map((out) => ({ name: graph.unique('result'), dtype: out.dtype, shape: out.shape }));
  inner.finish(
    tensors,
    outputs.map(({ name }) => name),
  );
  return { nodes: inner.nodes, inputs, outputs };
}

const bodiesOf = (attrs: Attrs): readonly SymbolicProgram[] => attrs.bodies as readonly SymbolicProgram[];

const outputAvals = ({ avals, outputs }: SymbolicProgram): Variable[] =>
  outputs.map((output) => avals[output]!);

const results = (names: readonly string[], outs: readonly Variable[]): View[] =>
  outs.map(({ dtype, shape }, i) => plainView(names[i]!, dtype, shape));

/** Inputs: values that every turn reads, the state, the scanned arrays. Outputs: the state, the stacked results. */
const scan: ConstructLowering = (equation) => {
  const { graph, inputs, attrs, outs, lowerBody } = equation;
  const [body] = bodiesOf(attrs) as [SymbolicProgram];
  const { numCaptured, numState, length } = attrs as {
    numCaptured: number;
    numState: number;
    length: number;
  };
  const own = body.avals.slice(numCaptured, body.numInputs);
  const given = inputsLike(graph, own);
  const xs = inputs.slice(numCaptured + numState);
  // ONNX takes the number of turns from a scanned array. Without one, the body gets an array of unused numbers.
  const counter = xs.length > 0 ? [] : [graph.unique('turn')];
  const turns = counter.map((name) => ({ name, dtype: 'int64' as const, shape: [] }));
  const loop = subgraph(equation, given, outputAvals(body), (inner) =>
    lowerBody(body, [...inputs.slice(0, numCaptured), ...viewsOf(given)], inner),
  );
  const direction = attrs.reverse === true ? 1 : 0;
  const numScanned = Math.max(1, xs.length);
  const operands = inputs.slice(numCaptured).map((view) => whole(graph, view));
  const counted = counter.length === 0 ? [] : [graph.integers(new Array<number>(length).fill(0))];
  const names = graph.nodeOf('Scan', [...operands, ...counted], outs.length, {
    body: { ...loop, inputs: [...given, ...turns] },
    num_scan_inputs: numScanned,
    scan_input_directions: new Array<number>(numScanned).fill(direction),
    scan_output_directions: new Array<number>(outs.length - numState).fill(direction),
  });
  return results(names, outs);
};

/** The two bodies compute whether to continue, and the next state. */
const whileLoop: ConstructLowering = (equation) => {
  const { graph, inputs, attrs, outs, lowerBody } = equation;
  const [condition, body] = bodiesOf(attrs) as [SymbolicProgram, SymbolicProgram];
  const numCaptured = attrs.numCaptured as number;
  const captured = inputs.slice(0, numCaptured);
  const goesOn = (state: readonly View[], at: Graph): View =>
    lowerBody(condition, [...captured, ...state], at)[0]!;
  const given = inputsLike(graph, outs);
  const bool = { dtype: 'bool' as const, shape: [] };
  const loop = subgraph(equation, given, [bool, ...outs], (inner) => {
    const next = lowerBody(body, [...captured, ...viewsOf(given)], inner);
    return [goesOn(next, inner), ...next];
  });
  const turn = { name: graph.unique('turn'), dtype: 'int64' as const, shape: [] };
  const before = { ...bool, name: graph.unique('condition') };
  const state = inputs.slice(numCaptured);
  const first = whole(graph, goesOn(state, graph));
  const operands = ['', first, ...state.map((view) => whole(graph, view))];
  const names = graph.nodeOf('Loop', operands, outs.length, {
    body: { ...loop, inputs: [turn, before, ...given] },
  });
  return results(names, outs);
};

/** The index (int32 []) chooses a body; an index out of range chooses the first or the last body. */
const branch: ConstructLowering = (equation) => {
  const { graph, inputs, attrs, outs, lowerBody } = equation;
  const [index, ...operands] = inputs as [View, ...View[]];
  const bodies = bodiesOf(attrs);
  const chosen = whole(graph, index);
  /** Chooses among the bodies from `place` on. */
  const from = (place: number, at: Graph): readonly View[] => {
    if (place === bodies.length - 1) return lowerBody(bodies[place]!, operands, at);
    const isLater = at.node('Greater', [chosen, at.scalar(place, 'int32')]);
    const [then_branch, else_branch] = [
      subgraph({ ...equation, graph: at }, [], outs, (inner) => from(place + 1, inner)),
      subgraph({ ...equation, graph: at }, [], outs, (inner) => lowerBody(bodies[place]!, operands, inner)),
    ];
    return results(at.nodeOf('If', [isLater], outs.length, { then_branch, else_branch }), outs);
  };
  return from(0, graph);
};

export const constructs: Readonly<Record<string, ConstructLowering>> = { scan, while: whileLoop, branch };
