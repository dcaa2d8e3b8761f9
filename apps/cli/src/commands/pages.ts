/** Commands that show runs in a browser. */
import { extname } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { text, texts, wholeNumber, words } from '../option.ts';
import { command } from './command.ts';

const runs = words({ describe: 'folders of runs and sweeps, or folders in which these are (default: runs)' });

/** The folder of all runs, where none was named. */
const named = (paths: readonly string[] | undefined): readonly string[] =>
  paths === undefined || paths.length === 0 ? ['runs'] : paths.map((path) => path.replace(/(?<=.)\/+$/, ''));

export const view = command({
  name: 'view',
  summary: 'show runs and sweeps in a browser: curves, trials, workers, members, records',
  positionals: { runs },
  options: {
    port: wholeNumber(0, { describe: 'port of the page; 0 takes a free one', default: 0 }),
    bind: text({
      describe: 'address at which the page is served; others than 127.0.0.1 need a token, which is made',
      default: '127.0.0.1',
    }),
    token: text({ describe: 'token that a browser must know (default: a new one where one is needed)' }),
    host: texts({ describe: 'further name under which the page may be asked for; may be repeated' }),
  },
  examples: [
    ['view', 'all runs of the folder `runs`, as they go on'],
    ['view runs/2026-11-22-mnist-cnn-3f9c --port 8080', 'one run'],
    ['view runs/sweeps/2026-11-30-quick-6a46', 'one sweep and the runs of its trials'],
  ],
  run: async ({ runs: paths, port, bind, token, host: names, json }, { terminal }) => {
    const { servePage } = await import('../page.ts');
    const { onInterrupt } = await import('../signals.ts');
    const page = await servePage(named(paths), { host: bind, port, token }, { names, eager: true });
    const { address } = page;
    terminal.out.write(
      json ? `${JSON.stringify({ event: 'page', address })}\n` : `${address}\nCtrl-C ends the page.\n`,
    );
    await new Promise<void>((resolve) => {
      const stopListening = onInterrupt(() => {
        stopListening();
        resolve();
      });
    });
    await page.close();
    return 0;
  },
});

export const report = command({
  name: 'report',
  summary: 'write runs and sweeps into one file that a browser opens without a server',
  positionals: { runs },
  options: { out: text({ describe: 'file to write', default: 'report.html' }) },
  examples: [
    ['report runs/2026-11-22-mnist-cnn-3f9c --out mnist.html', 'one run'],
    ['report runs', 'all runs of a folder'],
    ['report runs/sweeps/2026-11-30-quick-6a46', 'one sweep'],
  ],
  run: async ({ runs: paths, out, json }, { terminal }) => {
    if (!/^\.html?$/.test(extname(out))) {
      throw new LockstepError('config', `--out '${out}' must end in .html`, { out });
    }
    const { createReport } = await import('@lockstep/page');
    const { isLocked } = await import('../run-lock.ts');
    const { writeOut } = await import('../writable.ts');
    const { html, numRuns, numSweeps, warnings } = await createReport({
      paths: named(paths),
      isRunning: isLocked,
    });
    for (const warning of warnings) terminal.err.write(`lockstep: ${warning}\n`);
    const bytes = Buffer.from(html);
    await writeOut(out, bytes);
    if (json) {
      const counts = { runs: numRuns, ...(numSweeps > 0 && { sweeps: numSweeps }) };
      terminal.out.write(`${JSON.stringify({ written: out, ...counts, bytes: bytes.length })}\n`);
    } else {
      const { bytesText } = await import('../display/programs.ts');
      const { plural } = await import('../display/format.ts');
      const sweeps = numSweeps === 0 ? '' : `${plural(numSweeps, 'sweep')}, `;
      terminal.out.write(`${out}  ${sweeps}${plural(numRuns, 'run')}, ${bytesText(bytes.length)}\n`);
    }
    return 0;
  },
});
