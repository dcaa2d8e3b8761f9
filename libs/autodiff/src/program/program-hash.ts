/** Hashes of programs: of everything that defines the computation, and of everything but its free numbers. */
import { createHash, type Hash } from 'node:crypto';
import { signature } from '@lockstep/errors';
import type { Storage } from '@lockstep/tensor';
import type { Attrs } from '../primitive.ts';
import { isFreeNumber } from './constant.ts';
import { constructOf } from './equation.ts';
import { aProgram, bodiesOf, type Equation, type Program } from './program.ts';

const checkHash = signature('programHash', { program: aProgram });

/** SHA-256 of everything that defines the computation: equal hashes mean equal computations. */
export function programHash(program: Program): string {
  checkHash(program);
  return hashesOf(program).hash;
}

export interface ProgramHashes {
  readonly hash: string;
  /** Equal for programs that differ at most in their free numbers, as {@link withNumbers} visits them. */
  readonly structure: string;
}

/** Both hashes of a program, in hexadecimal. */
export function hashesOf(program: Program): ProgramHashes {
  const bodies = new Map<Equation, readonly ProgramHashes[]>();
  for (const equation of program.equations) {
    const own = bodiesOf(equation);
    if (own !== undefined) bodies.set(equation, own.map(hashesOf));
  }
  const text = (of: (equation: Equation) => 'hash' | 'structure'): string =>
    textOf(program, (equation) => bodies.get(equation)!.map((body) => body[of(equation)]));
  const whole = createHash('sha256').update(text(() => 'hash'));
  const structure =
    bodies.size === 0
      ? whole.copy()
      : createHash('sha256').update(text((equation) => (hasFreeBodies(equation) ? 'structure' : 'hash')));
  for (const { variable, storage } of program.constants) {
    addConstant(whole, variable, storage);
    if (isFreeNumber(storage)) structure.update(`number ${variable}`);
    else addConstant(structure, variable, storage);
  }
  return { hash: whole.digest('hex'), structure: structure.digest('hex') };
}

function addConstant(hash: Hash, variable: number, { data }: Storage): void {
  hash.update(`constant ${variable}`);
  hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/**
 * Whether numbers in the bodies of an equation may be free. A composed construct computes with its bodies' constants
 * when it is lowered, so a plan may depend on their values.
 */
const hasFreeBodies = (equation: Equation): boolean => constructOf(equation)?.composed === undefined;

/** The program with `put` of each of its free numbers: those of the program first, then those of the bodies in order. */
export function withNumbers(program: Program, put: (number: Storage) => Storage): Program {
  const constants = program.constants.map((constant) =>
    isFreeNumber(constant.storage) ? { ...constant, storage: put(constant.storage) } : constant,
  );
  const equations = program.equations.map((equation): Equation => {
    const bodies = bodiesOf(equation);
    if (bodies === undefined || !hasFreeBodies(equation)) return equation;
    return {
      ...equation,
      attrs: { ...equation.attrs, bodies: bodies.map((body) => withNumbers(body, put)) },
    };
  });
  return { ...program, constants, equations };
}

/** The attrs of an equation for JSON, with the hashes of the bodies in their place. */
export function dataOf(equation: Equation): Attrs {
  const bodies = bodiesOf(equation);
  return bodies === undefined ? equation.attrs : { ...equation.attrs, bodies: bodies.map(programHash) };
}

/** Everything but the constants as JSON. `bodies` stand for the programs of a construct's equation. */
function textOf(program: Program, bodies: (equation: Equation) => readonly string[]): string {
  const { avals, numInputs, equations, outputs } = program;
  const all = equations.map((equation) =>
    bodiesOf(equation) === undefined
      ? equation
      : { ...equation, attrs: { ...equation.attrs, bodies: bodies(equation) } },
  );
  const form = { avals: avals.map(({ dtype, shape }) => [dtype, shape]), numInputs, equations: all, outputs };
  // A replacer makes JSON several times as slow, and hardly any program needs it.
  return isExactInJson(form) ? JSON.stringify(form) : JSON.stringify(form, exactNumber);
}

function isExactInJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return true;
  return Array.isArray(value) ? value.every(isExactInJson) : Object.values(value).every(isExactInJson);
}

/** JSON writes null for infinities and NaN, and 0 for -0, so different programs would have one hash. */
const exactNumber = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !isExactInJson(value)
    ? { number: Object.is(value, -0) ? '-0' : String(value) }
    : value;
