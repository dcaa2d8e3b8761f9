/** The `lockstep` command. */
import { processTerminal } from './terminal.ts';

// A reader of our output that ends early (`| head`) is no reason to crash: the run goes on.
// Neither is a full disk that takes it: what is lost is what the run says, not the run. Of other commands it is all there is.
const argv = process.argv.slice(2);
const isRun = ['train', 'coordinator', 'resume'].includes(argv[0] ?? '');
let isSilent = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || isSilent) return;
  isSilent = true;
  if (!isRun) process.exitCode = 1;
  process.stderr.write(`lockstep: what this command prints cannot be written any more: ${error.message}\n`);
});
process.stderr.on('error', () => undefined);
// While a thread starts, the command line is loaded and read.
if (argv[0] === 'worker') (await import('@lockstep/worker')).startEarly();
const { runCommandLine } = await import('./cli.ts');
const code = await runCommandLine(argv, processTerminal());
process.exitCode = code === 0 && isSilent && !isRun ? 1 : code;
