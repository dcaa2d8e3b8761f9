/** A program: a traced computation as data. A flat list of equations over numbered variables, each assigned once. */
import { createHash } from 'node:crypto';
import { formatShape, type Storage } from '@lockstep/tensor';
import type { Attrs, Aval } from '../core.ts';

export interface Equation {
  readonly primitive: string;
  readonly attrs: Attrs;
  readonly inputs: readonly number[];
  readonly output: number;
  /** For inputs that an elementwise kernel reads through a broadcast, put in by the optimizer. */
  readonly patterns?: readonly (BroadcastPattern | null)[];
}

/** See the kernels' `Operand`: output element i reads element floor(i / repeat) % period. */
export interface BroadcastPattern {
  readonly repeat: number;
  readonly period: number;
}

export interface Program {
  /** What is known of each variable. Variables 0 … numInputs − 1 are the inputs. */
  readonly avals: readonly Aval[];
  readonly numInputs: number;
  readonly constants: readonly { readonly variable: number; readonly storage: Storage }[];
  readonly equations: readonly Equation[];
  readonly outputs: readonly number[];
}

/** SHA-256 over everything a program computes with: two equal hashes are the same computation. */
export function programHash(program: Program): string {
  const hash = createHash('sha256');
  const { avals, numInputs, equations, outputs } = program;
  hash.update(
    JSON.stringify({ avals: avals.map(({ dtype, shape }) => [dtype, shape]), numInputs, equations, outputs }),
  );
  for (const { variable, storage } of program.constants) {
    hash.update(`constant ${variable}`);
    hash.update(new Uint8Array(storage.data.buffer, storage.data.byteOffset, storage.data.byteLength));
  }
  return hash.digest('hex');
}

/** One line an equation: `v7: float32[32, 10] = matmul v0 v3 {"transposeA":false}`. */
export function formatProgram(program: Program): string {
  const name = (variable: number): string => `v${variable}`;
  const typed = (variable: number): string => {
    const { dtype, shape } = program.avals[variable]!;
    return `${name(variable)}: ${dtype}${formatShape(shape)}`;
  };
  const inputs = Array.from({ length: program.numInputs }, (_, i) => typed(i));
  const constants = program.constants.map(({ variable, storage }) => {
    const value = storage.data.length === 1 ? ` = ${storage.data[0]}` : '';
    return `  const ${typed(variable)}${value}`;
  });
  const equations = program.equations.map(({ primitive, attrs, inputs: args, output, patterns }) => {
    const operands = args.map((v, i) => {
      const pattern = patterns?.[i];
      return pattern ? `${name(v)}×(${pattern.repeat}/${pattern.period})` : name(v);
    });
    const suffix = Object.keys(attrs).length > 0 ? ` ${JSON.stringify(attrs)}` : '';
    return `  ${typed(output)} = ${primitive} ${operands.join(' ')}${suffix}`;
  });
  return [
    `(${inputs.join(', ')}) →`,
    ...constants,
    ...equations,
    `  return ${program.outputs.map(name).join(' ')}`,
  ].join('\n');
}
