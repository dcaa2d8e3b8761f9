/**
 * A program: a traced computation as data. It is a flat list of equations over numbered variables, each assigned once.
 */

import { anObject, type Kind, signature } from '@lockstep/errors';
import type { FusedAttrs } from '@lockstep/kernels';
import { formatShape, type Storage } from '@lockstep/tensor';
import type { Attrs } from '../primitive.ts';
import type { Aval } from '../tensor.ts';

export interface Equation {
  readonly primitive: string;
  readonly attrs: Attrs;
  readonly inputs: readonly number[];
  /** One variable; several for a construct or a fused equation. */
  readonly outputs: readonly number[];
  /** The broadcast through which an elementwise kernel reads each input; set by the optimizer. */
  readonly patterns?: readonly (BroadcastPattern | null)[];
}

/** As in the kernels' `Operand`, output element i reads element floor(i / repeat) % period. */
export interface BroadcastPattern {
  readonly repeat: number;
  readonly period: number;
}

export interface Program {
  /** The type and shape of each variable. Variables 0 … numInputs − 1 are the inputs. */
  readonly avals: readonly Aval[];
  readonly numInputs: number;
  readonly constants: readonly { readonly variable: number; readonly storage: Storage }[];
  readonly equations: readonly Equation[];
  readonly outputs: readonly number[];
}

/** For callers without types. */
export const aProgram: Kind = {
  what: 'a program, as traceProgram gives it',
  fits: (value) =>
    anObject.fits(value) &&
    ['avals', 'constants', 'equations', 'outputs'].every((part) =>
      Array.isArray((value as Readonly<Record<string, unknown>>)[part]),
    ),
};

const checkFormat = signature('formatProgram', { program: aProgram });

/** The programs in a construct's equation; undefined for any other equation. */
export const bodiesOf = ({ attrs }: Equation): readonly Program[] | undefined => (attrs as Bodies).bodies;

const nameOf = (variable: number): string => `v${variable}`;

/**
 * The steps of a fused equation, `v9 = add v3 t0`, then its sums over the middle axis, `v10 = sum t0 [8, 128, 32]`.
 * Values that are not written to memory are called t0, t1, …
 */
export function stepsOf(equation: Equation, name: (variable: number) => string = nameOf): string[] {
  if (equation.primitive !== 'fused') return [];
  const { instructions, outputs, sums } = equation.attrs as unknown as FusedAttrs;
  const registers = equation.inputs.map(name);
  const steps = instructions.map(({ op, args }, i) => {
    const isValue = (register: number, at: number) => register === equation.inputs.length + i && !sums?.[at];
    const output = equation.outputs[outputs.findIndex(isValue)];
    const step = [op, ...args.map((arg) => registers[arg]!)].join(' ');
    registers.push(output === undefined ? `t${i}` : name(output));
    return `${registers.at(-1)} = ${step}`;
  });
  const totals = (sums ?? []).flatMap((sum, at) => {
    if (sum === null) return [];
    const geometry = formatShape([sum.outer, sum.size, sum.inner]);
    return [`${name(equation.outputs[at]!)} = sum ${registers[outputs[at]!]} ${geometry}`];
  });
  return [...steps, ...totals];
}

/** A program as text, one line for each equation: `v7: float32[32, 10] = matmul v0 v3 {"transposeA":false}`. */
export function formatProgram(program: Program): string {
  checkFormat(program);
  const typed = (variable: number): string => {
    const { dtype, shape } = program.avals[variable]!;
    return `${nameOf(variable)}: ${dtype}${formatShape(shape)}`;
  };
  const inputs = Array.from({ length: program.numInputs }, (_, i) => typed(i));
  const constants = program.constants.map(({ variable, storage }) => {
    const value = storage.data.length === 1 ? ` = ${storage.data[0]}` : '';
    return `  const ${typed(variable)}${value}`;
  });
  const equations = program.equations.map((equation) => {
    const { primitive, attrs, outputs } = equation;
    const operands = equation.inputs.map((input, i) => {
      const pattern = equation.patterns?.[i];
      return pattern ? `${nameOf(input)}×(${pattern.repeat}/${pattern.period})` : nameOf(input);
    });
    const { bodies, plans, ...data } = attrs;
    const suffix = primitive === 'fused' || Object.keys(data).length === 0 ? '' : ` ${JSON.stringify(data)}`;
    const nested = (bodiesOf(equation) ?? []).flatMap((body) => formatProgram(body).split('\n'));
    const steps = [...stepsOf(equation), ...nested].map((step) => `\n    ${step}`);
    return `  ${outputs.map(typed).join(', ')} = ${[primitive, ...operands].join(' ')}${suffix}${steps.join('')}`;
  });
  return [
    `(${inputs.join(', ')}) →`,
    ...constants,
    ...equations,
    `  return ${program.outputs.map(nameOf).join(' ')}`,
  ].join('\n');
}

/** The functions of a construct within a program. */
export interface Bodies extends Attrs {
  readonly bodies: readonly Program[];
}
