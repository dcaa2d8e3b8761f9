/** The `lockstep` command. */
import { processTerminal } from './terminal.ts';

// A reader of our output that ends early (`| head`) is no reason to crash: the run goes on.
// Neither is a full disk that takes it: what is lost is what the run says, not the run.
let isSilent = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || isSilent) return;
  isSilent = true;
  process.stderr.write(`lockstep: what this command prints cannot be written any more: ${error.message}\n`);
});
process.stderr.on('error', () => undefined);
const argv = process.argv.slice(2);
// While a thread starts, the command line is loaded and read.
if (argv[0] === 'worker') (await import('@lockstep/worker')).startEarly();
const { runCommandLine } = await import('./cli.ts');
process.exitCode = await runCommandLine(argv, processTerminal());
