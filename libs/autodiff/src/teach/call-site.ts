/** Where in the user's code something was called. */
import { fileURLToPath } from 'node:url';

/** The folder that holds this package and its siblings: `libs/`, or `node_modules/@lockstep/`. */
const LIBRARIES = fileURLToPath(new URL('../../../', import.meta.url));

const MAX_FRAMES = 60;

/** `train.js:3:15` with its path: the innermost frame outside these libraries; undefined if there is none. */
export function callSite(): string | undefined {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = MAX_FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = before;
  return siteIn(stack);
}

/** The same in the text of a stack. */
export function siteIn(stack: string, libraries: string = LIBRARIES): string | undefined {
  for (const line of stack.split('\n').slice(1)) {
    const [, place] = /(?:\(|at )((?:file:\/\/)?[^()]+:\d+:\d+)\)?$/.exec(line) ?? [];
    if (place === undefined) continue;
    const path = place.replace(/^file:\/\//, '').replace(/^async /, '');
    if (!path.startsWith(libraries) && !path.startsWith('node:')) return path;
  }
  return undefined;
}
