/**
 * Watches what the layers of a model give while the model is applied. A layer has the name of its parameters: `2/0` is the
 * first part of the third one. Layers call {@link watched}; nothing is done unless somebody watches.
 */
import type { Tensor } from '@lockstep/autodiff';
import { flatten, leafPaths } from '@lockstep/tree';

/** What a layer has given. */
export interface LayerOutput {
  /** The path of the layer's parameters among those of the model; empty for the model itself. */
  readonly name: string;
  readonly kind: string;
  /** [rows, ..] */
  readonly output: Tensor;
}

/** A layer that is being applied, or the function that applies layers. */
interface Frame {
  readonly name: string;
  readonly params: unknown;
  readonly isLayer: boolean;
}

interface Watch {
  readonly tell: (given: LayerOutput) => void;
  frame: Frame | undefined;
  /** The name of the next layer in the current frame, where a container has said it. */
  part: string | undefined;
}

let current: Watch | undefined;

/**
 * Calls `tell` with the output of each layer that `run` applies, inner ones first. The first layer has the empty name. If `run` is
 * a function that applies several layers, `params` are its parameters: a layer then has the name of its own among these, or its
 * kind if it has none.
 */
export function watchLayers<T>(tell: (given: LayerOutput) => void, run: () => T, params?: unknown): T {
  const outer = current;
  const frame = params === undefined ? undefined : { name: '', params, isLayer: false };
  current = { tell, frame, part: undefined };
  try {
    return run();
  } finally {
    current = outer;
  }
}

/** Runs a part of a container. Its layer has the name `part` within the container; with '' it is the container itself. */
export function asPart<T>(part: string, run: () => T): T {
  const watch = current;
  if (watch === undefined) return run();
  const outer = watch.part;
  watch.part = part;
  try {
    return run();
  } finally {
    watch.part = outer;
  }
}

/** Applies a layer and tells what it has given. */
export function watched<S>(kind: string, params: unknown, apply: () => [Tensor, S]): [Tensor, S] {
  const watch = current;
  if (watch === undefined) return apply();
  const { frame, part } = watch;
  const isSame = isSameLayer(watch, params);
  const name =
    frame === undefined || isSame
      ? (frame?.name ?? '')
      : join(frame.name, part || (partOf(params, frame.params) ?? kind));
  watch.frame = { name, params, isLayer: true };
  watch.part = undefined;
  let result: [Tensor, S];
  try {
    result = apply();
  } finally {
    watch.frame = frame;
    watch.part = part;
  }
  if (!isSame) watch.tell({ name, kind, output: result[0] });
  return result;
}

/** Whether the layer is the one that is being applied already: some layers are another one with a further property. */
const isSameLayer = ({ frame, part }: Watch, params: unknown): boolean =>
  frame?.isLayer === true && (part === '' || (part === undefined && frame.params === params));

const join = (name: string, part: string): string => [name, part].filter((one) => one !== '').join('/');

/** The path of a layer's parameters among those around it: that of its first tensor, without its own part of the path. */
function partOf(own: unknown, around: unknown): string | undefined {
  const place = flatten<unknown>(around).leaves.indexOf(flatten<unknown>(own).leaves[0]);
  if (place < 0) return undefined;
  const path = leafPaths(around)[place]!;
  const [within] = leafPaths(own) as [string];
  if (within === '') return path;
  if (path === within) return '';
  return path.endsWith(`/${within}`) ? path.slice(0, -within.length - 1) : undefined;
}
