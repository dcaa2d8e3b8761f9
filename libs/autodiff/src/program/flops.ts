/**
 * The number of floating-point operations of an equation, in a traced or a planned program. A multiplication and an
 * addition count as two, an elementwise function as one (exp like add), a comparison as one. Ops that only move
 * elements, read them as another type or draw them count as none.
 */
import { signature } from '@lockstep/errors';
import { sizeOf } from '@lockstep/tensor';
import { constructOf, isFused, primitiveOf } from './equation.ts';
import type { PlannedBodies } from './planned.ts';
import { aProgram, bodiesOf, type Equation, type Program } from './program.ts';

const checkFlops = signature('programFlops', { program: aProgram });

/** The operations of all equations of a program. */
export function programFlops(program: Program): number {
  checkFlops(program);
  return program.equations.reduce((total, equation) => total + equationFlops(equation, program), 0);
}

/** The operations of one equation. */
export function equationFlops(equation: Equation, { avals }: Program): number {
  if (constructOf(equation) !== undefined) return flopsOfBodies(equation);
  const shapeOf = (variable: number): readonly number[] => avals[variable]!.shape;
  const [inputs, outputs] = [equation.inputs.map(shapeOf), equation.outputs.map(shapeOf)];
  if (isFused(equation)) {
    const { instructions, sums = [] } = equation.attrs;
    const [sum] = sums;
    const length = sum ? sum.outer * sum.size * sum.inner : sizeOf(outputs[0]!);
    return (instructions.length + sums.filter((each) => each !== null).length) * length;
  }
  const counted = counts[equation.primitive];
  if (counted !== undefined) return counted(inputs, outputs[0]!, equation.attrs);
  // Ops that may write over an input are elementwise.
  return primitiveOf(equation)?.inPlace === true || primitiveOf(equation)?.fusible === true
    ? sizeOf(outputs[0]!)
    : 0;
}

function flopsOfBodies(equation: Equation): number {
  const { plans } = equation.attrs as Partial<PlannedBodies>;
  const programs = plans?.map(({ program }) => program) ?? bodiesOf(equation) ?? [];
  const each = programs.map(programFlops);
  const { planned, composed } = constructOf(equation)!;
  // Only the first body of a call runs; the others define its derivative.
  return (planned ?? composed)?.flops(each, equation.attrs as PlannedBodies) ?? each[0] ?? 0;
}

type Count = (
  inputs: readonly (readonly number[])[],
  output: readonly number[],
  attrs: Equation['attrs'],
) => number;

const perInput =
  (flops: number): Count =>
  ([x]) =>
    flops * sizeOf(x!);

/** The cost for matrices [batch, m, n], by matrix; factorizations after Golub & Van Loan, Matrix Computations. */
const perMatrix =
  (flops: (m: number, n: number) => number): Count =>
  ([x]) =>
    x![0]! * flops(x![1]!, x![2]!);

const elimination = perMatrix((n) => (2 / 3) * n * n * n);

/** The cost for right sides [batch, n, m], by each of n numbers, without the cost of the matrix. */
const withRightSides =
  (matrix: Count, perSide: (n: number) => number): Count =>
  (inputs, output, attrs) => {
    const [batch, n, sides] = inputs[1] as [number, number, number];
    return matrix(inputs, output, attrs) + batch * sides * perSide(n);
  };

const perTap = (elements: readonly number[], kernel: readonly number[]): number =>
  2 * sizeOf(elements) * sizeOf(kernel.slice(0, -1));

const ofKernelGrad: Count = ([x, dy], _output, { kernelSize }) =>
  2 * sizeOf(dy!) * sizeOf(kernelSize as readonly number[]) * x!.at(-1)!;

/** The comparisons of a search among n, or of a sort for each of n. */
const bisections = (n: number): number => (n < 2 ? 0 : 32 - Math.clz32(n - 1));

const counts: Readonly<Record<string, Count>> = {
  matmul: ([a], output, { transposeA }) => 2 * sizeOf(output) * a!.at(transposeA === true ? -2 : -1)!,
  segmentedContraction: ([a, b]) => 2 * sizeOf(a!) * b!.at(-1)!,
  conv2d: ([, kernel], output) => perTap(output, kernel!),
  conv2dInputGrad: ([dy, kernel]) => perTap(dy!, kernel!),
  conv2dKernelGrad: ofKernelGrad,
  conv2dKernelGradTree: ofKernelGrad,
  ...Object.fromEntries(
    [
      ...['sum', 'reduceMax', 'reduceMin', 'argmax', 'treeSum', 'cumSum', 'runningExtreme'],
      ...['maxPool', 'maxPoolSelect', 'scatterAdd', 'allReduceSum'],
    ].map((name) => [name, perInput(1)]),
  ),
  maxPoolScatter: (_inputs, output) => sizeOf(output),
  // A weighted sum, then the weighted square of the deviation.
  groupMoments: perInput(6),
  shardMoments: perInput(6),
  treeMoments: perInput(6),
  argSort: ([x]) => sizeOf(x!) * bisections(x!.at(-1)!),
  searchSorted: ([sorted], output) => sizeOf(output) * bisections(sorted!.at(-1)! + 1),
  solve: withRightSides(elimination, (n) => 2 * n * n),
  triangularSolve: withRightSides(
    () => 0,
    (n) => n * n,
  ),
  cholesky: perMatrix((n) => (n * n * n) / 3),
  determinant: elimination,
  determinantSign: elimination,
  logDeterminant: elimination,
  // Each column is orthogonalised twice.
  qr: perMatrix((m, n) => 4 * m * n * n),
  // About ten sweeps (see the kernels) of n²/2 rotations, each with 6 operations for every element of two columns.
  eigh: perMatrix((n) => 10 * (n * n * 0.5) * 18 * n),
  svd: perMatrix(rotations),
  pinv: perMatrix((m, n) => rotations(m, n) + 2 * m * n * n),
};

/** One-sided: products of columns, then rotations of U and V. */
function rotations(m: number, n: number): number {
  return 10 * (n * n * 0.5) * (6 * m + 6 * (m + n));
}
