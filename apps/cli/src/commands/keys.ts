/** `lockstep keys`: credentials for a cluster of several machines. */
import { generateKeys, writeKeys } from '@lockstep/transport';
import type { keysOptions } from '../options.ts';
import { requireWritableFolder } from '../writable.ts';
import type { ArgsOf, Handler } from './command.ts';

export type KeysArgs = ArgsOf<typeof keysOptions>;

export const keys: Handler<KeysArgs> = async ({ out }, { terminal }) => {
  await requireWritableFolder('out', out);
  await writeKeys(out, generateKeys());
  terminal.out.write(
    [
      `Keys are in ${out}/. Whoever has them can join your runs.`,
      `  coordinator   lockstep coordinator experiment.ts --bind tcp://ADDRESS:7070 --keys ${out}`,
      `  workers       copy all but server.secret, then: lockstep worker --join ADDRESS:7070 --keys ${out}`,
      '',
    ].join('\n'),
  );
  return 0;
};
