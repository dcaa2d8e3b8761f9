import { fromWireError } from '@lockstep/errors';
import { describeError } from '../errors.ts';
import type { DisplayArgs } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import type { Display } from './display.ts';
import { createJsonDisplay } from './json.ts';
import { createPeopleDisplay } from './people.ts';

/** The display of a run. In both forms stderr says why a run failed. */
export function chooseDisplay({ out, err }: Terminal, { json, verbose, quiet }: DisplayArgs): Display {
  const display = json ? createJsonDisplay(out) : createPeopleDisplay(out, { isQuiet: quiet });
  return {
    ...display,
    ended: (ending) => {
      display.ended(ending);
      if (ending.type === 'failed') err.write(describeError(fromWireError(ending.error), verbose));
    },
  };
}
