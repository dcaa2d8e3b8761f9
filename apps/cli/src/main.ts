/** The `lockstep` command. */
import { processTerminal } from './terminal.ts';

// A reader of our output that ends early (`| head`) is no reason to crash: the run goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
const argv = process.argv.slice(2);
// While a thread starts, the command line is loaded and read.
if (argv[0] === 'worker') (await import('@lockstep/worker')).startEarly();
const { runCommandLine } = await import('./cli.ts');
process.exitCode = await runCommandLine(argv, processTerminal());
