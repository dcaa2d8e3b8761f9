/** Where in the user's code something was called. */
import { fileURLToPath } from 'node:url';

/** The folder that holds this package and its siblings: `libs/`, or `node_modules/@lockstep/`. */
const LIBRARIES = fileURLToPath(new URL('../../../', import.meta.url));

const MAX_FRAMES = 60;

export interface CallSite {
  /** `/home/me/train.js:3:15`: the innermost frame outside these libraries; undefined if there is none. */
  readonly place: string | undefined;
  /** The call comes out of a pullback: reverse mode walks the tape in the function of that name. */
  readonly isBackward: boolean;
}

export function callSite(): CallSite {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = MAX_FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = before;
  return { place: placeIn(stack), isBackward: /^\s+at pullBack /m.test(stack) };
}

/** The innermost frame of a stack that lies outside the folder of the libraries. */
export function placeIn(stack: string, libraries: string = LIBRARIES): string | undefined {
  for (const line of stack.split('\n').slice(1)) {
    const [, found] = /(?:\(|at )((?:file:\/\/)?[^()]+:\d+:\d+)\)?$/.exec(line) ?? [];
    const place = found?.replace(/^async /, '').replace(/^file:\/\//, '');
    if (place !== undefined && !place.startsWith(libraries) && !place.startsWith('node:')) return place;
  }
  return undefined;
}
