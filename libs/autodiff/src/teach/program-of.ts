/**
 * The traced program of a function, and of its gradient, in mathematical notation. For functions of scalars this is
 * symbolic differentiation: the gradient is traced like any other function and then simplified.
 */
import { aFunction, signature } from '@lockstep/errors';
import { formatShape, isFloat, type Storage } from '@lockstep/tensor';
import { flatten } from '@lockstep/tree';
import { asTensor } from '../convert.ts';
import { inlineCalls } from '../program/inline.ts';
import { removeDeadCode, shareSubexpressions } from '../program/optimize.ts';
import type { Equation, Program } from '../program/program.ts';
import { traceProgram } from '../program/trace.ts';
import { type Aval, ConcreteTensor, type Tensor } from '../tensor.ts';
import type { Inputs } from '../transform/types.ts';
import { grad } from '../transform/vjp.ts';
import { nameArguments } from './arguments.ts';
import { call, type Expression, isCall, number, variable } from './expression.ts';
import { formatExpression, formatValues, type NotationStyle } from './notation.ts';
import { simplify } from './simplify.ts';

/** One result. A function of scalars has a single formula without steps; otherwise steps lead to the result. */
export interface Formula {
  /** `f`, or `∂f/∂x1`. */
  readonly name: string;
  readonly steps: readonly FormulaStep[];
  readonly result: Expression;
}

export interface FormulaStep extends Aval {
  /** The variable that holds the value: v1, v2, … */
  readonly name: string;
  readonly expression: Expression;
}

export interface MathProgram {
  /** Inputs by name, with their types. */
  readonly inputs: readonly (Aval & { readonly name: string })[];
  readonly values: readonly Formula[];
  /** One for each input, if the function gives one scalar. */
  readonly derivatives: readonly Formula[];
  toString(): string;
  /** An `aligned` environment for each formula. */
  toLatex(): string;
}

const checkProgramOf = signature('programOf', { f: aFunction });

/**
 * The computation of `f` at arguments of these shapes, and its partial derivatives: with f = ln x1 + x1·x2 − sin x2,
 * `programOf(f)(2, 5)` reads `∂f/∂x1 = 1 / x1 + x2`. It traces as `jit` does, so branches on values are errors.
 */
export function programOf<Args extends readonly unknown[]>(
  f: (...args: Args) => unknown,
): (...args: Inputs<Args>) => MathProgram {
  checkProgramOf(f);
  return (...args) => {
    const { leaves, rebuild } = nameArguments('programOf', f, args);
    const flat = (...xs: Tensor[]): Tensor[] => {
      const out = flatten(f(...rebuild(xs)));
      return out.leaves.map((y) => asTensor(y as Tensor));
    };
    const avals = leaves.map(({ value }) => value);
    const names = leaves.map(({ name }) => name);
    const program = traceProgram(flat, avals);
    const values = formulasOf(program, names, (i) => (program.outputs.length === 1 ? 'f' : `f${i + 1}`));
    return withText({
      inputs: leaves.map(({ name, value: { dtype, shape } }) => ({ name, dtype, shape })),
      values,
      derivatives: derivativesOf(flat, program, avals, names),
    });
  };
}

function derivativesOf(
  f: (...xs: Tensor[]) => Tensor[],
  { outputs, avals: known }: Program,
  avals: readonly Aval[],
  names: readonly string[],
): Formula[] {
  const isScalar = outputs.length === 1 && known[outputs[0]!]!.shape.length === 0;
  const floats = avals.flatMap(({ dtype }, i) => (isFloat(dtype) ? [i] : []));
  if (!isScalar || floats.length === 0) return [];
  const gradient = traceProgram(grad((...xs: Tensor[]) => f(...xs)[0]!, floats) as typeof f, avals);
  return floats.flatMap((input, i) => {
    const alone: Program = { ...gradient, outputs: [gradient.outputs[i]!] };
    return formulasOf(alone, names, () => `∂f/∂${names[input]}`);
  });
}

/** Ops that change no number in a formula: their operand takes their place. */
const SILENT: ReadonlySet<string> = new Set(['broadcast', 'copy', 'stopGradient', 'barrier']);

function formulasOf(program: Program, names: readonly string[], name: (i: number) => string): Formula[] {
  const clean = removeDeadCode(shareSubexpressions(inlineCalls(program)));
  const written = new Map<number, Expression>(names.map((input, i) => [i, variable(input)]));
  for (const { variable: id, storage } of clean.constants) written.set(id, constantOf(storage));
  const computed = clean.equations.flatMap(({ outputs }) => outputs);
  const scalar = [...written.keys(), ...computed].every((id) => clean.avals[id]!.shape.length === 0);
  const steps: FormulaStep[] = [];
  for (const equation of clean.equations) {
    for (const [i, id] of equation.outputs.entries()) {
      const expression = expressionOf(equation, i, written);
      if (scalar || SILENT.has(equation.primitive)) {
        written.set(id, expression);
        continue;
      }
      const step = { name: `v${steps.length + 1}`, expression, ...clean.avals[id]! };
      steps.push(step);
      written.set(id, variable(step.name));
    }
  }
  return clean.outputs.map((id, i) => {
    const result = written.get(id)!;
    return { name: name(i), steps, result: scalar ? simplify(result) : result };
  });
}

/** The results of a program of scalars as expressions in the given inputs. */
export function inlined(program: Program, inputs: readonly Expression[]): Expression[] {
  const written = new Map<number, Expression>(inputs.entries());
  for (const { variable: id, storage } of program.constants) written.set(id, constantOf(storage));
  for (const equation of program.equations) {
    for (const [i, id] of equation.outputs.entries()) written.set(id, expressionOf(equation, i, written));
  }
  return program.outputs.map((id) => written.get(id)!);
}

function expressionOf(
  { primitive, attrs, inputs, outputs }: Equation,
  output: number,
  written: ReadonlyMap<number, Expression>,
): Expression {
  const args = inputs.map((id) => written.get(id)!);
  if (SILENT.has(primitive)) return args[0]!;
  if (primitive === 'matmul') {
    const { transposeA, transposeB } = attrs;
    return call(
      'matmul',
      args.map((arg, i) => ((i === 0 ? transposeA : transposeB) ? call('transpose', [arg]) : arg)),
    );
  }
  return call(primitive, args, outputs.length > 1 ? { ...attrs, output } : attrs);
}

const SHOWN = 8;

/** A number as a number, a small array by its elements, a large one by its type. */
function constantOf(storage: Storage): Expression {
  const { data, dtype, shape } = storage;
  if (data.length === 1) return number(data[0]!);
  const small = data.length <= SHOWN;
  return variable(
    small ? formatValues(new ConcreteTensor(storage).toArray()) : `${dtype}${formatShape(shape)}`,
  );
}

function withText(program: Omit<MathProgram, 'toString' | 'toLatex'>): MathProgram {
  const { inputs, values, derivatives } = program;
  const formulas = [...values, ...derivatives];
  return {
    ...program,
    toString: () => {
      const signature = inputs.map(({ name, shape }) =>
        shape.length === 0 ? name : `${name}: ${formatShape(shape)}`,
      );
      return [`f(${signature.join(', ')})`, ...formulas.map(formatFormula)].join('\n');
    },
    toLatex: () => formulas.map(latexOf).join('\n'),
  };
}

function formatFormula({ name, steps, result }: Formula): string {
  const lines = steps.map(
    (step) => [step.name, describe(step.expression, 'text'), formatShape(step.shape)] as const,
  );
  const width = Math.max(0, ...lines.map(([left]) => left.length));
  const middle = Math.max(0, ...lines.map(([, text]) => text.length));
  return [
    ...lines.map(([left, text, shape]) => `    ${left.padEnd(width)} = ${text.padEnd(middle)}  ${shape}`),
    `  ${name} = ${describe(result, 'text')}`,
  ].join('\n');
}

function latexOf({ name, steps, result }: Formula): string {
  const left = name.startsWith('∂')
    ? `\\frac{\\partial f}{\\partial ${formatExpression(variable(name.slice('∂f/∂'.length)), 'latex')}}`
    : formatExpression(variable(name), 'latex');
  const lines = [
    ...steps.map(
      (step) => `${formatExpression(variable(step.name), 'latex')} &= ${describe(step.expression, 'latex')}`,
    ),
    `${left} &= ${describe(result, 'latex')}`,
  ];
  return `\\begin{aligned}\n${lines.join(' \\\\\n')}\n\\end{aligned}`;
}

/** The programs within loops and branches, and the order of their operands. */
const INTERNAL: ReadonlySet<string> = new Set(['bodies', 'numCaptured', 'numState']);

/** A formula with the attrs of its op, where these matter to a reader. */
function describe(e: Expression, style: NotationStyle): string {
  const written = formatExpression(e, style);
  if (style === 'latex' || !isCall(e) || Object.keys(e.attrs).length === 0 || e.op === 'power')
    return written;
  const details = Object.entries(e.attrs).filter(([key, value]) => !INTERNAL.has(key) && value !== false);
  const text = details.map(([key, value]) => `${key} ${JSON.stringify(value).replaceAll(',', ', ')}`);
  return text.length === 0 ? written : `${written}  {${text.join(', ')}}`;
}
