/** The `lockstep` command. */
import { processTerminal } from './terminal.ts';

// A reader that closes our output early (`| head`) does not stop a run or a sweep. Neither does a full disk that the output goes to: only
// the output is lost. Other commands have no other result, so they fail.
const argv = process.argv.slice(2);
const isRun =
  ['train', 'coordinator', 'resume', 'branch'].includes(argv[0] ?? '') ||
  (argv[0] === 'sweep' && !['show', 'cancel'].includes(argv[1] ?? ''));
let isSilent = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || isSilent) return;
  isSilent = true;
  if (!isRun) process.exitCode = 1;
  process.stderr.write(`lockstep: the output of this command can no longer be written: ${error.message}\n`);
});
process.stderr.on('error', () => undefined);
// A thread of the worker starts while the command line is loaded and parsed.
if (argv[0] === 'worker') (await import('@lockstep/worker')).startEarly();
const { runCommandLine } = await import('./cli.ts');
const code = await runCommandLine(argv, processTerminal());
process.exitCode = code === 0 && isSilent && !isRun ? 1 : code;
