/** Histograms of what an update reads and does, on the first thread of a worker. */
import { placesOf, type ReplicaCopy, replicaGroups, sumGroups, unpack } from '@lockstep/run';
import { type Histogram, histogram } from '@lockstep/tensor';
import type { BlockOptions, BoundBlock } from './bound-block.ts';
import { perCopy } from './per-copy.ts';

/** By the name of the parameter. */
type Named = Record<string, Histogram>;

export interface UpdateHistograms {
  /** Parameters before the update. */
  readonly params: Readonly<Named>;
  /** Sums of gradients over all samples, divided by their number: without that of a penalty, and before clipping. */
  readonly gradients: Readonly<Named>;
  /** Parameters after the update minus those before it. */
  readonly updates: Readonly<Named>;
  /** Parameters for which a report has no room, or whose elements are no float32. Absent if there are none. */
  readonly omitted?: readonly string[];
}

export interface HistogramTaker {
  /** Keeps the parameters that the update overwrites. */
  before(copy: ReplicaCopy): void;
  after(copy: ReplicaCopy): UpdateHistograms;
}

/** `block` is any block of the worker: all of them have the reduced sums. Takes memory for two copies of the parameters at most. */
export function createHistogramTaker(options: BlockOptions, block: BoundBlock): HistogramTaker {
  const { programs, replica } = options;
  const paramsOf = perCopy((copy) => unpack(replicaGroups(programs), replica[copy]!).params);
  const outputsOf = perCopy((copy) => block.outputs(copy));
  const { samples } = placesOf(sumGroups(programs));
  const kept = new Map<number, Float32Array>();
  for (const [i, { dtype }] of programs.params.entries()) {
    if (dtype === 'float32' && kept.size < limits.params)
      kept.set(i, new Float32Array(paramsOf(0)[i]!.length));
  }
  const room = new Float32Array(Math.max(0, ...[...kept.values()].map(({ length }) => length)));
  return {
    before(copy) {
      for (const [i, array] of kept) array.set(paramsOf(copy)[i]!);
    },
    after(copy) {
      const { gradientSums, sums } = outputsOf(copy);
      return gatherHistograms(
        programs.params.map(({ name }) => name),
        (i) => {
          const before = kept.get(i);
          if (before === undefined) return undefined;
          const out = room.subarray(0, before.length);
          return {
            params: histogram(before),
            gradients: histogram(quotients(gradientSums[i] as Float32Array, sums[samples]!, out)),
            updates: histogram(differences(paramsOf(copy)[i] as Float32Array, before, out)),
          };
        },
      );
    },
  };
}

/** They bound a report, which is one message: some five bytes for each count of a bin, and two hundred for each histogram. */
const limits = { params: 512, counts: 1 << 16 };

/** The histograms of one parameter. */
type OfParameter = Readonly<Record<'params' | 'gradients' | 'updates', Histogram>>;

/** Takes histograms by the place of the parameter, in order, as far as there is room. `take` gives undefined where there are none. */
export function gatherHistograms(
  names: readonly string[],
  take: (place: number) => OfParameter | undefined,
  { counts: room } = limits,
): UpdateHistograms {
  const [params, gradients, updates]: [Named, Named, Named] = [{}, {}, {}];
  const omitted: string[] = [];
  let numCounts = 0;
  for (const [i, name] of names.entries()) {
    const of = numCounts > room ? undefined : take(i);
    numCounts += of === undefined ? 0 : numCountsOf(of);
    if (of === undefined || numCounts > room) omitted.push(name);
    else [params[name], gradients[name], updates[name]] = [of.params, of.gradients, of.updates];
  }
  return { params, gradients, updates, ...(omitted.length > 0 && { omitted }) };
}

const numCountsOf = (of: OfParameter): number =>
  Object.values(of).reduce((sum, { counts }) => sum + counts.length, 0);

/** Rounded to float32, as the update program rounds them. */
function quotients(x: Float32Array, divisor: number, out: Float32Array): Float32Array {
  for (let i = 0; i < out.length; i++) out[i] = x[i]! / divisor;
  return out;
}

function differences(a: Float32Array, b: Float32Array, out: Float32Array): Float32Array {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! - b[i]!;
  return out;
}
