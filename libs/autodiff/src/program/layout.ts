/** Places for the values of a program in one arena. */

import { invariant } from '@lockstep/errors';
import { bytesPerElement, sizeOf } from '@lockstep/tensor';
import { inBuckets, isWorthLeaving } from './departure.ts';
import { aliases, mayWriteOver } from './equation.ts';
import type { BucketOp, Place, Plan, PlannedBucket } from './planned.ts';
import type { Equation, Program } from './program.ts';
import { aligned } from './work-space.ts';

/** Assigns places in the order of execution. */
export class Layout {
  private readonly program: Program;
  private readonly segments: readonly (readonly Equation[])[];
  private readonly aliasOf: (variable: number) => number;
  private readonly places = new Map<number, Place>();
  /** The time of each variable's last use; equations are numbered through all segments. */
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

  /** Partial sums lie one after the other, so that they leave in few frames; each moment is a bucket of its own. */
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

  /** The number of equations of a segment after which an exchanged value is complete. */
  private readinessIn(segment: number): (exchange: Equation) => number {
    const places = new Map(
      this.segments[segment]!.flatMap(({ outputs }, i) => outputs.map((output) => [output, i])),
    );
    return ({ inputs }) => 1 + (places.get(this.aliasOf(inputs[0]!)) ?? -1);
  }

  /** Outputs are computed in their final places. Inputs, constants and repeated outputs are copied at the end. */
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

  /** A variable that has the size and type of the output, and is therefore read in full. */
  private sameIn(variables: ReadonlySet<number>, output: number): number | undefined {
    const { dtype, shape } = this.program.avals[output]!;
    for (const variable of variables) {
      const from = this.program.avals[variable]!;
      if (from.dtype === dtype && sizeOf(from.shape) === sizeOf(shape)) return variable;
    }
    return undefined;
  }
}

/** Best-fit allocation that merges neighbouring holes; it handles offsets only, no memory. */
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
