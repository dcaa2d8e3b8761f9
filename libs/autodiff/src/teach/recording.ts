/** An interpreter that only watches: it runs each operation at once and records it. */
import { isFloat } from '@lockstep/tensor';
import type { Construct } from '../construct.ts';
import { onesLike } from '../convert.ts';
import { bind, PrimalTracer, Trace, withTrace } from '../core.ts';
import type { Attrs, Primitive } from '../primitive.ts';
import { add } from '../primitives/elementwise/fusible.ts';
import type { Tensor } from '../tensor.ts';
import { differentiableBy } from '../transform/arguments.ts';

/** One operation on at least one watched value. Values are numbered; those of the inputs come first. */
export interface Recorded {
  readonly op: string;
  /** Undefined for operations made of functions: loops, checkpoint, custom derivatives. */
  readonly primitive: Primitive | undefined;
  readonly attrs: Attrs;
  readonly inputs: readonly Tensor[];
  /** The inputs' numbers; undefined for constants. */
  readonly sources: readonly (number | undefined)[];
  readonly outs: readonly Tensor[];
  /** The numbers of its results. */
  readonly results: readonly number[];
  /** Tangents of the results from those of the inputs; undefined for a value that does not move. */
  readonly push: (tangents: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];
  /** The cotangent of one input from those of the results; undefined where there is no derivative. */
  readonly pull: (cotangents: readonly (Tensor | undefined)[], argument: number) => Tensor | undefined;
}

export interface Recording {
  readonly steps: readonly Recorded[];
  readonly outs: readonly Tensor[];
  /** The outputs' numbers; undefined for constants. */
  readonly outputs: readonly (number | undefined)[];
}

class Watched extends PrimalTracer<RecordingTrace> {
  readonly number: number;

  constructor(trace: RecordingTrace, primal: Tensor, number: number) {
    super(trace, primal);
    this.number = number;
  }
}

class RecordingTrace extends Trace {
  readonly steps: Recorded[] = [];
  private numValues = 0;
  private readonly watch: (step: Recorded) => void;

  constructor(level: number, watch: (step: Recorded) => void) {
    super(level);
    this.watch = watch;
  }

  owns(x: unknown): x is Watched {
    return x instanceof Watched && x.trace === this;
  }

  input(primal: Tensor): Watched {
    return new Watched(this, primal, this.numValues++);
  }

  override process(primitive: Primitive, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const primals = this.primals(inputs);
    const out = bind(primitive, primals, attrs);
    return this.record(
      { name: primitive.name, primitive },
      inputs,
      attrs,
      [out],
      rulesOf(primitive, primals, out, attrs),
    )[0]!;
  }

  override processMany(construct: Construct, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[] {
    const primals = this.primals(inputs);
    const wanted = inputs.map((x) => this.owns(x) && isFloat(x.dtype));
    const { outs, pull } = construct.vjp(primals, wanted, attrs);
    return this.record({ name: construct.name, primitive: undefined }, inputs, attrs, outs, {
      push: (tangents) => construct.jvp(primals, tangents, attrs).tangents,
      pull: (cotangents, argument) => pull(cotangents)[argument],
    });
  }

  private primals(inputs: readonly Tensor[]): Tensor[] {
    return inputs.map((x) => (this.owns(x) ? x.primal : x));
  }

  private record(
    { name, primitive }: { name: string; primitive: Primitive | undefined },
    inputs: readonly Tensor[],
    attrs: Attrs,
    outs: readonly Tensor[],
    rules: Pick<Recorded, 'push' | 'pull'>,
  ): Watched[] {
    const watched = outs.map((out) => this.input(out));
    const step: Recorded = {
      op: name,
      primitive,
      attrs,
      inputs: this.primals(inputs),
      sources: inputs.map((x) => (this.owns(x) ? x.number : undefined)),
      outs,
      results: watched.map((x) => x.number),
      ...rules,
    };
    this.steps.push(step);
    this.watch(step);
    return watched;
  }
}

function rulesOf(
  primitive: Primitive,
  inputs: readonly Tensor[],
  out: Tensor,
  attrs: Attrs,
): Pick<Recorded, 'push' | 'pull'> {
  const moves = (argument: number): boolean =>
    differentiableBy(primitive, argument) && isFloat(inputs[argument]!.dtype);
  return {
    push: (tangents) => {
      let total: Tensor | undefined;
      for (const [argument, tangent] of tangents.entries()) {
        if (tangent === undefined || primitive.jvp === undefined || !moves(argument)) continue;
        const part = primitive.jvp(tangent, argument, inputs, out, attrs);
        total = total === undefined ? part : add(total, part);
      }
      return [total];
    },
    pull: ([cotangent], argument) =>
      cotangent !== undefined && moves(argument)
        ? primitive.vjp?.(cotangent, argument, inputs, out, attrs)
        : undefined,
  };
}

/** Runs `f` and records its operations. `watch` is called right after each operation, on the caller's stack. */
export function record(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  watch: (step: Recorded) => void = () => undefined,
): Recording {
  return withTrace(
    (level) => new RecordingTrace(level, watch),
    (trace) => {
      const results = f(inputs.map((x) => trace.input(x)));
      return {
        steps: trace.steps,
        outs: results.map((y) => (trace.owns(y) ? y.primal : y)),
        outputs: results.map((y) => (trace.owns(y) ? y.number : undefined)),
      };
    },
  );
}

/** What one operation sends back to one of its inputs. */
export interface Contribution {
  readonly step: Recorded;
  readonly argument: number;
  /** The cotangents of the operation's results. */
  readonly cotangents: readonly (Tensor | undefined)[];
  readonly part: Tensor;
  /** The cotangent of the input without this contribution, and with it. */
  readonly before: Tensor | undefined;
  readonly after: Tensor;
}

/** Reverse mode for the sum of all results, contribution by contribution, from the last operation to the first. */
export function* contributions({
  steps,
  outs,
  outputs,
}: Recording): Generator<Contribution, void, undefined> {
  const gathered = new Map<number, Tensor>();
  const sumWith = (value: number, part: Tensor): Tensor => {
    const before = gathered.get(value);
    return before === undefined ? part : add(before, part);
  };
  for (const [i, value] of outputs.entries()) {
    const out = outs[i]!;
    if (value !== undefined && isFloat(out.dtype)) gathered.set(value, sumWith(value, onesLike(out)));
  }
  for (const step of [...steps].reverse()) {
    const cotangents = step.results.map((result) => gathered.get(result));
    if (cotangents.every((ct) => ct === undefined)) continue;
    for (const [argument, source] of step.sources.entries()) {
      const part = source === undefined ? undefined : step.pull(cotangents, argument);
      if (part === undefined) continue;
      const before = gathered.get(source!);
      const after = sumWith(source!, part);
      gathered.set(source!, after);
      yield { step, argument, cotangents, part, before, after };
    }
  }
}
