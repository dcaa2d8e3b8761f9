import type { Terminal } from '../terminal.ts';

/** What a command is run with, beside its own options. */
export interface Context {
  readonly terminal: Terminal;
}

/** Runs a command with its parsed options; resolves with the exit code. */
export type Handler<Args> = (args: Args, context: Context) => Promise<number>;
