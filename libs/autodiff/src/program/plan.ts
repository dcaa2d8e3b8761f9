/**
 * A program's plan: its equations cut into segments at the exchanges, and a place in one arena for every value that
 * must be kept, reused as soon as its last reader is done.
 */
import {
  anObject,
  invariant,
  type Kind,
  LockstepError,
  oneOf,
  type Rules,
  signature,
  whole,
} from '@lockstep/errors';
import { bytesPerElement, sizeOf } from '@lockstep/tensor';
import type { PlannedBodies } from '../construct.ts';
import type { BucketOp } from '../primitives/sharding.ts';
import { departEarly, departures, inBuckets, isWorthLeaving } from './departure.ts';
import { aliases, constructOf, exchangeLevels, isAlias, isExchange, mayWriteOver } from './equation.ts';
import { withSavedInputs } from './in-place.ts';
import { inlineCalls, inlineCompositions } from './inline.ts';
import { optimize, optimizeAhead, removeDeadCode } from './optimize.ts';
import { aProgram, bodiesOf, type Equation, type Program, programHash } from './program.ts';
import { aligned, workSpace } from './work-space.ts';

/** Where a variable's elements lie. Aliases share a place. */
export type Place =
  | { readonly kind: 'input'; readonly index: number }
  /** In an instance's own arena. */
  | { readonly kind: 'arena'; readonly byteOffset: number }
  /** In the buffer that the instance is given for this output. */
  | { readonly kind: 'output'; readonly index: number }
  /** In the result of an exchange, which blocks of one worker share. Offset in elements. */
  | { readonly kind: 'result'; readonly exchange: number; readonly bucket: number; readonly offset: number };

/** Values that are reduced together: they leave during a segment or at its end. */
export interface PlannedBucket {
  readonly op: BucketOp;
  /** Number of float32 elements. */
  readonly size: number;
  /** The exchanges of the traced program that it carries, by their variables: the same whatever the block's size. */
  readonly exchanged: readonly number[];
  /** The partial results in the arena, one after the other. */
  readonly byteOffset: number;
  /** They may leave after so many of the segment's equations, and so may those of the buckets before. */
  readonly readyAfter: number;
}

export interface Plan {
  readonly program: Program;
  readonly hash: string;
  /** Equations before anything was dropped, shared or fused. */
  readonly numTraced: number;
  /** Between two segments lies an exchange: `exchanges[i]` follows `segments[i]`. */
  readonly segments: readonly (readonly Equation[])[];
  readonly exchanges: readonly (readonly PlannedBucket[])[];
  readonly places: ReadonlyMap<number, Place>;
  readonly arenaBytes: number;
  /** The first so many outputs end in the memory of the inputs with their indices. */
  readonly numInPlace: number;
}

/** For callers without types. */
export const aPlan: Kind = {
  what: 'a plan, as planProgram gives it',
  fits: (value) =>
    anObject.fits(value) &&
    aProgram.fits((value as Partial<Plan>).program) &&
    'segments' in (value as object),
};

export interface PlanOptions {
  /** Where results are computed: in the arena (the default), or in buffers `given` to each instance. */
  readonly outputs?: 'arena' | 'given';
  /**
   * Of `given` outputs, the first so many take the memory of the inputs with their indices, of the same types: computed
   * there if nobody reads the input any more, else copied there when all is done.
   */
  readonly numInPlace?: number;
  /**
   * A `given` output that is not in place: it alone is computed in a first segment, in which nothing is written over an
   * input, and all others in a second one. For a program without exchanges.
   */
  readonly ahead?: number;
}

const planRules: Rules<PlanOptions> = {
  outputs: oneOf('arena', 'given'),
  numInPlace: whole(0),
  ahead: whole(0),
};
const checkPlan = signature('planProgram', { program: aProgram }, planRules);

export function planProgram(traced: Program, options: PlanOptions = {}): Plan {
  checkPlan(traced, options);
  const { outputs = 'arena', numInPlace = 0, ahead } = options;
  const plain = inlineCompositions(inlineCalls(traced));
  const { program: fused, numAhead } =
    ahead === undefined ? { program: optimize(plain), numAhead: 0 } : optimizeAhead(plain, ahead);
  const optimized = withSavedInputs(withPlannedBodies(fused), numInPlace);
  const program = ahead === undefined ? departEarly(withOwnPartials(optimized)) : optimized;
  const rank = new Map(departures(removeDeadCode(plain)).map((variable, i) => [variable, i]));
  const byDeparture = (a: Equation, b: Equation): number =>
    rank.get(a.outputs[0]!)! - rank.get(b.outputs[0]!)!;
  const levels =
    ahead === undefined ? exchangeLevels(program) : program.equations.map((_, i) => (i < numAhead ? 0 : 1));
  const numLevels =
    ahead === undefined ? 2 + Math.max(-1, ...levels.filter((_, i) => isExchange(program.equations[i]!))) : 2;
  const segments = Array.from({ length: numLevels }, (_, level) =>
    program.equations.filter((equation, i) => levels[i] === level && !isExchange(equation)),
  );
  const exchanges = Array.from({ length: numLevels - 1 }, (_, level) =>
    program.equations.filter((equation, i) => levels[i] === level && isExchange(equation)).sort(byDeparture),
  );
  invariant(numInPlace === 0 || outputs === 'given', 'only given outputs take the place of inputs');
  invariant(
    ahead === undefined || (ahead >= numInPlace && !program.equations.some(isExchange)),
    'an output comes ahead that is not in place, in a program without exchanges',
  );
  const layout = new Layout(
    program,
    segments,
    exchanges,
    outputs === 'given' ? { numInPlace, numAhead } : undefined,
  );
  const numTraced = traced.equations.length;
  const finished = layout.finish();
  if (ahead !== undefined) {
    // An input or a constant is copied when all is done.
    const isComputed = segments[0]!.some(({ outputs: own }) => own.includes(program.outputs[ahead]!));
    const place = finished.places.get(program.outputs[ahead]!);
    invariant(isComputed && place?.kind === 'output', 'what comes ahead is computed in its place');
  }
  return { program, hash: programHash(traced), numTraced, segments, ...finished, numInPlace };
}

/**
 * Constructs with the plans of their bodies, which work in one output more: bytes that the arena holds for as long as the
 * equation runs.
 */
function withPlannedBodies(program: Program): Program {
  if (program.equations.every((equation) => constructOf(equation) === undefined)) return program;
  const avals = [...program.avals];
  const equations = program.equations.map((equation): Equation => {
    const construct = constructOf(equation);
    if (construct === undefined) return equation;
    const plans = bodiesOf(equation)!.map((body) => planProgram(body, { outputs: 'given' }));
    const attrs: PlannedBodies = { ...equation.attrs, bodies: plans.map((plan) => plan.program), plans };
    const { bytes } = workSpace(construct.planned!, attrs);
    const scratch = avals.push({ dtype: 'bool', shape: [bytes] }) - 1;
    return { ...equation, attrs, outputs: [...equation.outputs, scratch] };
  });
  return { ...program, avals, equations };
}

/** Each exchanged value gets a place of its own in the bucket: inputs, constants and values exchanged twice are copied. */
function withOwnPartials(program: Program): Program {
  const aliasOf = aliases(program);
  const produced = new Set(
    program.equations
      .filter((equation) => !isExchange(equation) && !isAlias(equation))
      .flatMap(({ outputs }) => outputs),
  );
  const kept = new Set(program.outputs.map(aliasOf));
  const taken = new Set<number>();
  const avals = [...program.avals];
  const equations = program.equations.flatMap((equation): Equation[] => {
    if (!isExchange(equation)) return [equation];
    const input = equation.inputs[0]!;
    const aval = avals[input]!;
    if (aval.dtype !== 'float32') {
      throw new LockstepError(
        'dtype',
        `exchange: only float32 crosses shards, not ${aval.dtype}; cast it first`,
        {
          dtype: aval.dtype,
        },
      );
    }
    const root = aliasOf(input);
    if (produced.has(root) && !taken.has(root) && !kept.has(root)) {
      taken.add(root);
      return [equation];
    }
    avals.push(aval);
    const copy = avals.length - 1;
    return [
      { primitive: 'copy', attrs: {}, inputs: [input], outputs: [copy] },
      { ...equation, inputs: [copy] },
    ];
  });
  return { ...program, avals, equations };
}

/** Assigns places in the order of execution. */
class Layout {
  private readonly program: Program;
  private readonly segments: readonly (readonly Equation[])[];
  private readonly aliasOf: (variable: number) => number;
  private readonly places = new Map<number, Place>();
  /** The time of a variable's last use; equations are numbered through all segments. */
  private readonly lastUse = new Map<number, number>();
  private readonly arena = new Arena();
  private readonly exchanges: PlannedBucket[][] = [];

  constructor(
    program: Program,
    segments: readonly (readonly Equation[])[],
    exchanges: readonly (readonly Equation[])[],
    given: { readonly numInPlace: number; readonly numAhead: number } | undefined,
  ) {
    this.program = program;
    this.segments = segments;
    this.aliasOf = aliases(program);
    for (let i = 0; i < program.numInputs; i++) this.places.set(i, { kind: 'input', index: i });
    for (const { variable } of program.constants)
      this.place(variable, this.arena.take(this.bytesOf(variable)));
    this.exchanges = exchanges.map((equations, i) => this.placeExchange(i, equations));
    this.findLastUses();
    if (given !== undefined) this.placeOutputs(given);
    this.placeEquations();
  }

  finish(): Pick<Plan, 'places' | 'arenaBytes' | 'exchanges'> {
    const places = new Map<number, Place>();
    for (const variable of this.program.avals.keys()) {
      const place = this.places.get(this.aliasOf(variable));
      if (place !== undefined) places.set(variable, place);
    }
    return { places, arenaBytes: this.arena.bytes, exchanges: this.exchanges };
  }

  private place(variable: number, byteOffset: number): void {
    this.places.set(variable, { kind: 'arena', byteOffset });
  }

  private bytesOf(variable: number): number {
    const { dtype, shape } = this.program.avals[variable]!;
    return aligned(sizeOf(shape) * bytesPerElement(dtype));
  }

  /** Partial sums lie end to end, so that they leave in few frames; moments are a bucket each. */
  private placeExchange(exchange: number, equations: readonly Equation[]): PlannedBucket[] {
    const buckets: PlannedBucket[] = [];
    const size = (equation: Equation): number => sizeOf(this.program.avals[equation.outputs[0]!]!.shape);
    const readyAfter = this.readinessIn(exchange);
    const end = this.segments[exchange]!.length;
    const add = (op: BucketOp, members: readonly Equation[]): void => {
      const total = members.reduce((sum, equation) => sum + size(equation), 0);
      const byteOffset = this.arena.take(aligned(total * 4));
      let offset = 0;
      for (const equation of members) {
        this.place(this.aliasOf(equation.inputs[0]!), byteOffset + offset * 4);
        this.places.set(equation.outputs[0]!, { kind: 'result', exchange, bucket: buckets.length, offset });
        offset += size(equation);
      }
      buckets.push({
        op,
        size: total,
        exchanged: members.map(({ outputs }) => outputs[0]!),
        byteOffset,
        readyAfter: isWorthLeaving(total)
          ? Math.max(buckets.at(-1)?.readyAfter ?? 0, ...members.map(readyAfter))
          : end,
      });
    };
    const sums = equations.filter(({ attrs }) => attrs.combine === 'sum');
    for (const members of inBuckets(sums, this.program)) add('sum', members);
    for (const equation of equations.filter(({ attrs }) => attrs.combine === 'moments'))
      add('moments', [equation]);
    return buckets;
  }

  /** After how many of a segment's equations an exchanged value stands. */
  private readinessIn(segment: number): (exchange: Equation) => number {
    const places = new Map(
      this.segments[segment]!.flatMap(({ outputs }, i) => outputs.map((output) => [output, i])),
    );
    return ({ inputs }) => 1 + (places.get(this.aliasOf(inputs[0]!)) ?? -1);
  }

  /** What is computed for an output is computed there. Inputs, constants and repeated outputs are copied at the end. */
  private placeOutputs({
    numInPlace,
    numAhead,
  }: {
    readonly numInPlace: number;
    readonly numAhead: number;
  }): void {
    const order = this.segments.flat();
    const computed = new Map(order.flatMap(({ outputs }, time) => outputs.map((output) => [output, time])));
    for (const [index, output] of this.program.outputs.entries()) {
      const root = this.aliasOf(output);
      const time = computed.get(root);
      if (time === undefined || this.places.has(root)) continue;
      if (index >= numInPlace) this.places.set(root, { kind: 'output', index });
      else if (time >= numAhead) {
        const lastRead = this.lastUse.get(index) ?? -1;
        const isFree = lastRead < time || (lastRead === time && mayWriteOver(order[time]!, root));
        if (isFree) this.places.set(root, { kind: 'input', index });
      }
    }
  }

  private findLastUses(): void {
    let time = 0;
    for (const equation of this.segments.flat()) {
      for (const input of equation.inputs) this.lastUse.set(this.aliasOf(input), time);
      time++;
    }
    for (const output of this.program.outputs)
      this.lastUse.set(this.aliasOf(output), Number.POSITIVE_INFINITY);
  }

  private placeEquations(): void {
    let time = 0;
    const owned = new Set<number>();
    for (const equation of this.segments.flat()) {
      const dying = new Set(
        equation.inputs.map(this.aliasOf).filter((v) => owned.has(v) && this.lastUse.get(v) === time),
      );
      const unread: number[] = [];
      for (const output of equation.outputs) {
        if (this.aliasOf(output) !== output || this.places.has(output)) continue;
        const inherited = mayWriteOver(equation, output) ? this.sameIn(dying, output) : undefined;
        if (inherited === undefined) {
          this.place(output, this.arena.take(this.bytesOf(output)));
        } else {
          this.places.set(output, this.places.get(inherited)!);
          dying.delete(inherited);
          owned.delete(inherited);
        }
        owned.add(output);
        if (!this.lastUse.has(output)) {
          this.lastUse.set(output, time);
          unread.push(output);
        }
      }
      for (const variable of [...dying, ...unread]) {
        owned.delete(variable);
        const place = this.places.get(variable)!;
        invariant(place.kind === 'arena', 'only the arena is reused');
        this.arena.release(place.byteOffset, this.bytesOf(variable));
      }
      time++;
    }
  }

  /** One of the variables that has the output's size and type, and is thus read in full. */
  private sameIn(variables: ReadonlySet<number>, output: number): number | undefined {
    const { dtype, shape } = this.program.avals[output]!;
    for (const variable of variables) {
      const from = this.program.avals[variable]!;
      if (from.dtype === dtype && sizeOf(from.shape) === sizeOf(shape)) return variable;
    }
    return undefined;
  }
}

/** Best-fit allocation with coalescing of neighbours; offsets only, no memory. */
class Arena {
  bytes = 0;
  private free: { offset: number; bytes: number }[] = [];

  take(bytes: number): number {
    if (bytes === 0) return 0;
    let best: number | undefined;
    for (const [i, hole] of this.free.entries()) {
      if (hole.bytes >= bytes && (best === undefined || hole.bytes < this.free[best]!.bytes)) best = i;
    }
    if (best === undefined) {
      const last = this.free.at(-1);
      const offset =
        last !== undefined && last.offset + last.bytes === this.bytes ? this.free.pop()!.offset : this.bytes;
      this.bytes = offset + bytes;
      return offset;
    }
    const hole = this.free[best]!;
    const { offset } = hole;
    if (hole.bytes === bytes) this.free.splice(best, 1);
    else this.free[best] = { offset: offset + bytes, bytes: hole.bytes - bytes };
    return offset;
  }

  release(offset: number, bytes: number): void {
    if (bytes === 0) return;
    const at = this.free.findIndex((hole) => hole.offset > offset);
    this.free.splice(at === -1 ? this.free.length : at, 0, { offset, bytes });
    const merged: { offset: number; bytes: number }[] = [];
    for (const hole of this.free) {
      const last = merged.at(-1);
      if (last !== undefined && last.offset + last.bytes === hole.offset) last.bytes += hole.bytes;
      else merged.push({ ...hole });
    }
    this.free = merged;
  }
}
