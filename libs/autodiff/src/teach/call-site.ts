/** Finds the place in the user's code from which something was called. */
import { fileURLToPath } from 'node:url';

/** The folder that holds this package and its siblings: `libs/`, or `node_modules/@lockstep/`. */
const LIBRARIES = fileURLToPath(new URL('../../../', import.meta.url));

const MAX_FRAMES = 60;

export interface CallSite {
  /** `/home/me/train.js:3:15`: the innermost frame outside these libraries; undefined if there is none. */
  readonly place: string | undefined;
  /** True if the call comes from a pullback: reverse mode walks the tape in the function of that name. */
  readonly isBackward: boolean;
}

export function callSite(): CallSite {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = MAX_FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = before;
  // A bundle has these libraries elsewhere: in the file of this function.
  const [own = LIBRARIES] = framesOf(stack);
  return {
    place: placeIn(stack, [LIBRARIES, own.slice(0, own.lastIndexOf('/') + 1)]),
    isBackward: /^\s+at pullBack /m.test(stack),
  };
}

/** The innermost frame of a stack that lies outside the folders of the libraries. */
export function placeIn(stack: string, libraries: readonly string[] = [LIBRARIES]): string | undefined {
  return framesOf(stack).find((place) => ![...libraries, 'node:'].some((start) => place.startsWith(start)));
}

/** `/home/me/train.js:3:15` of each frame, the innermost first. */
function framesOf(stack: string): string[] {
  return stack.split('\n').flatMap((line) => {
    const [, found] = /(?:\(|at )((?:file:\/\/)?[^()]+:\d+:\d+)\)?$/.exec(line) ?? [];
    return found === undefined ? [] : [found.replace(/^async /, '').replace(/^file:\/\//, '')];
  });
}
