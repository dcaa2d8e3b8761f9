import { basename, isAbsolute, relative } from 'node:path';
import type { Machine } from '@lockstep/records';

/** A command line as one types it into a shell. */
export const commandText = (argv: readonly string[]): string =>
  ['lockstep', ...argv.map(shellWord)].join(' ');

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Without the name of the host: a report is sent to others. */
export function machineText({ cpu, cores, memoryBytes }: Machine): string {
  const memory = memoryBytes === undefined ? undefined : `${Math.round(memoryBytes / 2 ** 30)} GiB of memory`;
  return [cpu, cores === undefined ? undefined : `${cores} cores`, memory]
    .filter((part) => part !== undefined)
    .join(', ');
}

/** A path below this process's folder; of another one its last part, since a report is sent to others. */
export function sharedPath(path: string): string {
  if (!isAbsolute(path)) return path;
  const below = relative(process.cwd(), path);
  return below.startsWith('..') || isAbsolute(below) ? basename(path) : below;
}
