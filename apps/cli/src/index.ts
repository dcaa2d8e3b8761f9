/** The lockstep command. */
export { runCommandLine } from './cli.ts';
export { exitCodes } from './errors.ts';
export type { Stream, Terminal } from './terminal.ts';
