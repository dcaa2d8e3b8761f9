/** The work space of a construct: its temporaries, then the arenas of its bodies. */
import { bytesPerElement, sizeOf } from '@lockstep/tensor';
import type { PlannedConstruct } from '../construct.ts';
import type { PlannedBodies } from './planned.ts';

const alignment = 64;
export const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

export interface WorkSpace {
  readonly bytes: number;
  /** Offsets of the temporaries and of the bodies' arenas. */
  readonly temporaries: readonly number[];
  readonly arenas: readonly number[];
}

export function workSpace(
  { temporaries, oneBodyAtATime }: PlannedConstruct<PlannedBodies>,
  attrs: PlannedBodies,
): WorkSpace {
  let end = 0;
  const take = (bytes: number): number => {
    const offset = end;
    end += aligned(bytes);
    return offset;
  };
  const own = temporaries(attrs).map(({ dtype, shape }) => take(sizeOf(shape) * bytesPerElement(dtype)));
  const sizes = attrs.plans.map(({ arenaBytes }) => arenaBytes);
  if (!oneBodyAtATime) return { temporaries: own, arenas: sizes.map(take), bytes: end };
  const shared = take(Math.max(0, ...sizes));
  return { temporaries: own, arenas: sizes.map(() => shared), bytes: end };
}
