/** Traces a function into a program: the interpreter whose meaning of a primitive is an equation. */
import { LockstepError } from '@lockstep/errors';
import {
  allocateStorage,
  type DType,
  formatShape,
  type Shape,
  type Storage,
  type TypedArray,
} from '@lockstep/tensor';
import {
  type Attrs,
  type Aval,
  ConcreteTensor,
  type Primitive,
  type Tensor,
  Trace,
  Tracer,
  withTrace,
} from '../core.ts';
import type { Equation, Program } from './program.ts';

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

  override get dtype(): DType {
    return this.aval.dtype;
  }
  override get shape(): Shape {
    return this.aval.shape;
  }
  override get data(): TypedArray {
    throw new LockstepError(
      'trace',
      `a ${this.dtype}${formatShape(this.shape)} inside a traced program has no value yet, so it cannot steer an if or a loop or be read as a number; choose with where(condition, a, b)`,
      { shape: this.shape, dtype: this.dtype },
    );
  }
}

class ProgramTrace extends Trace {
  private readonly avals: Aval[] = [];
  private readonly equations: Equation[] = [];
  private readonly constants: { variable: number; storage: Storage }[] = [];
  private readonly known = new Map<Tensor, number>();

  input(aval: Aval): ProgramTracer {
    return this.variable({ dtype: aval.dtype, shape: [...aval.shape] });
  }

  override standsFor(crossed: 'shards' | 'blocks'): boolean {
    return crossed === 'blocks';
  }

  override process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const variables = inputs.map((x) => this.variableOf(x));
    return this.equation(primitive.name, attrs, variables, primitive.shape(inputs, attrs));
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

  /** A constant of one repeated value is kept as a scalar and a broadcast, which costs no memory. */
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

/** The program of `f` for inputs of the given types. `f` runs once, on values that have types but no elements. */
export function traceProgram(
  f: (...inputs: Tensor[]) => readonly Tensor[],
  inputs: readonly Aval[],
): Program {
  return withTrace(
    (level) => new ProgramTrace(level),
    (trace) => {
      const tracers = inputs.map((aval) => trace.input(aval));
      return trace.finish(inputs.length, f(...tracers));
    },
  );
}

/** Whether all elements are the first. A plain loop: optimizers start from zeros as many as a model has parameters. */
function isRepeated(data: TypedArray): boolean {
  const first = data[0]!;
  for (let i = 1; i < data.length; i++) {
    if (!Object.is(data[i], first)) return false;
  }
  return true;
}
