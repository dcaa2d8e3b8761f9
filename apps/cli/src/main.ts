/** The `lockstep` command. */
import { runCommandLine } from './cli.ts';
import { processTerminal } from './terminal.ts';

// A reader of our output that ends early (`| head`) is no reason to crash: the run goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal());
