/** Traces a function into a program: in this interpreter a primitive becomes an equation. */

import { aFunction, checkValue, LockstepError, listOf, signature } from '@lockstep/errors';
import {
  allocateStorage,
  type DType,
  formatShape,
  type Shape,
  type Storage,
  type TypedArray,
} from '@lockstep/tensor';
import type { Construct } from '../construct.ts';
import { anAval } from '../convert.ts';
import { Trace, Tracer, withTrace } from '../core.ts';
import { aTensor } from '../kinds.ts';
import type { Attrs, Primitive } from '../primitive.ts';
import { type Aval, ConcreteTensor, type Tensor } from '../tensor.ts';
import { evaluateVariable } from './evaluate.ts';
import type { Bodies, Equation, Program } from './program.ts';

class ProgramTracer extends Tracer {
  override readonly trace: ProgramTrace;
  readonly aval: Aval;
  readonly variable: number;

  constructor(trace: ProgramTrace, aval: Aval, variable: number) {
    super();
    this.trace = trace;
    this.aval = aval;
    this.variable = variable;
  }

  override get under(): undefined {
    return undefined;
  }
  override get dtype(): DType {
    return this.aval.dtype;
  }
  override get shape(): Shape {
    return this.aval.shape;
  }
  override get data(): TypedArray {
    const value = this.trace.valueBehind(this.variable);
    if (value !== undefined) return value.data;
    throw new LockstepError(
      'trace',
      `a ${this.dtype}${formatShape(this.shape)} inside a traced program has no value yet, so it cannot steer an if or a loop or be read as a number; choose with where(condition, a, b) or cond(), loop with scan(), forLoop() or whileLoop()`,
      { shape: this.shape, dtype: this.dtype },
    );
  }
}

class ProgramTrace extends Trace {
  private readonly avals: Aval[] = [];
  private readonly equations: Equation[] = [];
  private readonly constants: { variable: number; storage: Storage }[] = [];
  private readonly known = new Map<Tensor, number>();
  /** Values from outside a closed function, with the variables that stand for them; undefined for a whole program. */
  private readonly captured: { variable: number; value: Tensor }[] | undefined;

  /** The values of the inputs, if the function may read its own values while it is traced. */
  private readonly behind: readonly Tensor[] | undefined;
  private readonly computed = new Map<number, Tensor>();

  constructor(level: number, closed: boolean, behind?: readonly Tensor[]) {
    super(level);
    this.captured = closed ? [] : undefined;
    this.behind = behind;
  }

  /** The value of a variable, where the inputs have values. It is computed on demand, outside the program. */
  valueBehind(variable: number): Tensor | undefined {
    const { behind } = this;
    if (behind === undefined) return undefined;
    return evaluateVariable(this.equations, variable, this.computed, (source) => {
      const constant = this.constants.find((each) => each.variable === source);
      if (constant !== undefined) return new ConcreteTensor(constant.storage);
      const x = behind[source] ?? this.captured!.find((each) => each.variable === source)!.value;
      return new ConcreteTensor({ dtype: x.dtype, shape: x.shape, data: x.data });
    });
  }

  input(aval: Aval): ProgramTracer {
    return this.variable({ dtype: aval.dtype, shape: [...aval.shape] });
  }

  /** A rule of an outer interpreter must not leave a part of its work in this program. */
  override get takesAll(): boolean {
    return this.captured !== undefined;
  }

  override standsFor(crossed: 'shards' | 'blocks'): boolean {
    return crossed === 'blocks';
  }

  override process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const variables = inputs.map((x) => this.variableOf(x));
    return this.equation(primitive.name, attrs, variables, primitive.shape(inputs, attrs));
  }

  override processMany(construct: Construct, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[] {
    const enter = (operands: readonly Tensor[], data: Bodies): ProgramTracer[] => {
      const variables = operands.map((x) => this.variableOf(x));
      const outs = construct.shape(operands, data).map((aval) => this.variable(aval));
      const outputs = outs.map(({ variable }) => variable);
      this.equations.push({ primitive: construct.name, attrs: data, inputs: variables, outputs });
      return outs;
    };
    return construct.record === undefined
      ? enter(inputs, attrs as Bodies)
      : construct.record(inputs, attrs, enter);
  }

  finish(numInputs: number, outputs: readonly Tensor[]): Program {
    return {
      numInputs,
      outputs: outputs.map((y) => this.variableOf(y)),
      avals: this.avals,
      constants: this.constants,
      equations: this.equations,
    };
  }

  /** The program, with the captured values as its first inputs. */
  close(numInputs: number, outputs: readonly Tensor[]): Closed {
    const program = this.finish(numInputs, outputs);
    const captured = this.captured ?? [];
    const first = captured.map(({ variable }) => variable);
    return {
      program: reordered({ ...program, numInputs: first.length + numInputs }, first),
      captured: captured.map(({ value }) => value),
    };
  }

  private variable(aval: Aval): ProgramTracer {
    this.avals.push(aval);
    return new ProgramTracer(this, aval, this.avals.length - 1);
  }

  private equation(primitive: string, attrs: Attrs, inputs: readonly number[], aval: Aval): ProgramTracer {
    const out = this.variable(aval);
    this.equations.push({ primitive, attrs, inputs, outputs: [out.variable] });
    return out;
  }

  private variableOf(x: Tensor): number {
    if (x instanceof ProgramTracer && x.trace === this) return x.variable;
    const known = this.known.get(x);
    if (known !== undefined) return known;
    if (this.captured !== undefined && !(x instanceof ConcreteTensor && isSmall(x))) {
      const { variable } = this.variable({ dtype: x.dtype, shape: [...x.shape] });
      this.captured.push({ variable, value: x });
      this.known.set(x, variable);
      return variable;
    }
    if (!(x instanceof ConcreteTensor)) {
      throw new LockstepError(
        'trace',
        'a program cannot hold a value of an outer transformation; pass it as an argument',
        { shape: x.shape },
      );
    }
    const variable = this.constant(x.storage);
    this.known.set(x, variable);
    return variable;
  }

  /** A constant of one repeated value is stored as a scalar and a broadcast, which takes no memory. */
  private constant(storage: Storage): number {
    const { data, dtype, shape } = storage;
    if (data.length > 1 && isRepeated(data)) {
      const scalar = allocateStorage(dtype, []);
      scalar.data[0] = data[0]!;
      return this.equation('broadcast', { shape, axes: [] }, [this.constant(scalar)], { dtype, shape })
        .variable;
    }
    const { variable } = this.variable({ dtype, shape });
    this.constants.push({ variable, storage });
    return variable;
  }
}

/** A function that reads nothing from outside: the values that it captured are the first inputs of its program. */
export interface Closed {
  readonly program: Program;
  /** Values of the interpreters around, and large arrays. */
  readonly captured: readonly Tensor[];
}

/**
 * The program of a function that may read values of the interpreters around it. If values `behind` its inputs are
 * given, it may also read its own elements; its program then holds for these values only.
 */
export function closeProgram(
  f: (...inputs: Tensor[]) => readonly Tensor[],
  inputs: readonly Aval[],
  behind?: readonly Tensor[],
): Closed {
  return withTrace(
    (level) => new ProgramTrace(level, true, behind),
    (trace) => {
      const tracers = inputs.map((aval) => trace.input(aval));
      return trace.close(inputs.length, f(...tracers));
    },
  );
}

/** Several closed functions with one list of captured values, which comes first in the inputs of each. */
export function shareCaptured(functions: readonly Closed[]): {
  programs: readonly Program[];
  captured: readonly Tensor[];
} {
  const captured = [...new Set(functions.flatMap((closed) => closed.captured))];
  const programs = functions.map((closed) => {
    const own = new Map(closed.captured.map((value, i) => [value, i]));
    const avals = [...closed.program.avals];
    const first = captured.map((value) => {
      const variable = own.get(value);
      return variable ?? avals.push({ dtype: value.dtype, shape: [...value.shape] }) - 1;
    });
    const numInputs = closed.program.numInputs + captured.length - own.size;
    return reordered({ ...closed.program, avals, numInputs }, first);
  });
  return { programs, captured };
}

/** The same program with these variables in front of all others. */
export function reordered(program: Program, first: readonly number[]): Program {
  const { avals } = program;
  const front = new Set(first);
  const order = [...first, ...[...avals.keys()].filter((variable) => !front.has(variable))];
  const numbers = new Array<number>(avals.length);
  for (const [to, from] of order.entries()) numbers[from] = to;
  const renumbered = (variables: readonly number[]): number[] => variables.map((v) => numbers[v]!);
  return {
    numInputs: program.numInputs,
    avals: order.map((variable) => avals[variable]!),
    constants: program.constants.map((constant) => ({ ...constant, variable: numbers[constant.variable]! })),
    equations: program.equations.map((equation) => ({
      ...equation,
      inputs: renumbered(equation.inputs),
      outputs: renumbered(equation.outputs),
    })),
    outputs: renumbered(program.outputs),
  };
}

const someTensors = listOf(aTensor, 'a list of tensors');
const checkTrace = signature('traceProgram', {
  f: aFunction,
  inputs: listOf(anAval, `a list, each ${anAval.what}`),
});

/** The program of `f` for inputs of the given types. `f` runs once, on tensors that have types but no elements. */
export function traceProgram(
  f: (...inputs: Tensor[]) => readonly Tensor[],
  inputs: readonly Aval[],
): Program {
  checkTrace(f, inputs);
  return withTrace(
    (level) => new ProgramTrace(level, false),
    (trace) => {
      const tracers = inputs.map((aval) => trace.input(aval));
      const outputs = f(...tracers);
      checkValue('traceProgram', 'what the function gives', outputs, someTensors);
      return trace.finish(inputs.length, outputs);
    },
  );
}

/** Whether a constant is small enough to stay in the program instead of becoming an operand. */
const isSmall = ({ data }: ConcreteTensor): boolean => data.length <= 1 || isRepeated(data);

/**
 * Whether all elements equal the first. A plain loop is fast enough for the zeros of an optimizer's first state, one
 * for each parameter.
 */
function isRepeated(data: TypedArray): boolean {
  const first = data[0]!;
  for (let i = 1; i < data.length; i++) {
    if (!Object.is(data[i], first)) return false;
  }
  return true;
}
