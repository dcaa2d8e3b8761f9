/** Commands that read the records of runs. */
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import type { TableFormat } from '@lockstep/records';
import { choice, flag, text, wholeNumber, words } from '../option.ts';
import { runFolder } from '../options.ts';
import { widthOf } from '../terminal.ts';
import { command } from './command.ts';

const folderOfRuns = text({ describe: 'folder of the runs', default: 'runs' });

const filter = text({
  describe: 'runs that meet conditions such as rate>0.01,status=finished,name=mnist*',
});

export const runs = command({
  name: 'runs',
  summary: 'list runs, or write them to a CSV or Parquet file',
  positionals: { folder: folderOfRuns },
  options: {
    filter,
    sort: text({ describe: 'sort by a metric, parameter or setting' }),
    descending: flag('the greatest value first'),
    out: text({ describe: 'write a table instead: a .csv or .parquet file' }),
    table: choice(['runs', 'metrics'], {
      describe: 'rows of that file: one for each run, or one for each value of a metric',
      default: 'runs',
    }),
  },
  examples: [
    ['runs --filter "status=finished" --sort test/loss', 'the best run first'],
    ['runs --out metrics.parquet --table metrics', 'every metric of every step, for pandas'],
  ],
  run: async ({ folder, filter, sort, descending, out, table, json }, { terminal }) => {
    const records = await import('@lockstep/records');
    const { isLocked } = await import('../run-lock.ts');
    const format = out === undefined ? undefined : formatOf(out);
    requireRoot(folder);
    const { runs: all, warnings } = await records.readRuns(folder, { isRunning: isLocked });
    for (const warning of warnings) terminal.err.write(`lockstep: ${warning}\n`);
    const filtered = filter === undefined ? all : records.filterRuns(all, filter);
    const selected = sort === undefined ? filtered : records.sortRuns(filtered, sort, { descending });
    if (out !== undefined && format !== undefined) {
      const { writeOut } = await import('../writable.ts');
      if (selected.length === 0) {
        throw new LockstepError('config', `there is no run to write to ${out}`, { folder, filter });
      }
      const rows = table === 'runs' ? records.runsTable(selected) : records.metricsTable(selected);
      const bytes = await records.encodeTable(rows, format);
      await writeOut(out, bytes);
      const facts = { written: out, format, table, rows: rows[0]?.values.length ?? 0, bytes: bytes.length };
      const { bytesText } = await import('../display/programs.ts');
      const line = json
        ? JSON.stringify(facts)
        : `${out}  ${facts.rows} rows of ${table}, ${bytesText(bytes.length)}`;
      terminal.out.write(`${line}\n`);
      return 0;
    }
    if (json) {
      const { formatLine } = await import('@lockstep/tracking');
      for (const run of selected) terminal.out.write(formatLine(records.outlineOf(run)));
      return 0;
    }
    const { runsText } = await import('../display/records.ts');
    const keys = [
      ...(filter === undefined ? [] : records.parseFilter(filter).map(({ key }) => key)),
      ...(sort === undefined ? [] : [sort]),
    ];
    const values = all.map(records.valuesOf);
    const shown = all.length === 0 ? [] : keys.map((key) => records.keyNamed(values, key));
    terminal.out.write(runsText(selected, shown, widthOf(terminal.out)));
    return 0;
  },
});

/** Throws `config` for the folder of a single run. */
function requireRoot(folder: string): void {
  if (!existsSync(join(folder, 'manifest.json'))) return;
  throw new LockstepError(
    'config',
    `${folder} is the folder of one run: \`lockstep show\` shows it; this command takes the folder in which runs are`,
    { folder },
  );
}

function formatOf(path: string): TableFormat {
  const ending = extname(path).slice(1);
  if (ending === 'csv' || ending === 'parquet') return ending;
  throw new LockstepError('config', `--out '${path}' must end in .csv or .parquet`, { path });
}

export const show = command({
  name: 'show',
  summary: 'what is recorded of a run',
  positionals: { run: runFolder },
  examples: [['show runs/2026-11-22-mnist-cnn-3f9c', 'settings, metrics, fingerprint']],
  run: async ({ run: path, json }, { terminal }) => {
    const { readRecords } = await import('../read-records.ts');
    const [run] = await readRecords([path], terminal);
    if (json) {
      const { formatLine } = await import('@lockstep/tracking');
      terminal.out.write(formatLine({ ...run }));
    } else {
      const { runText } = await import('../display/records.ts');
      terminal.out.write(runText(run!, widthOf(terminal.out)));
    }
    return 0;
  },
});

export const compare = command({
  name: 'compare',
  summary: 'runs side by side: settings that differ, metrics, fingerprints',
  positionals: { runs: words({ describe: 'folders of two or more runs', isRequired: true }) },
  examples: [['compare runs/2026-11-22-mnist-cnn-3f9c runs/2026-11-22-mnist-cnn-7b01', 'two runs']],
  run: async ({ runs: paths, json }, { terminal }) => {
    if (paths.length < 2) {
      throw new LockstepError('config', 'compare needs two runs or more; `lockstep show` shows one', {
        paths,
      });
    }
    const { compareRuns } = await import('@lockstep/records');
    const { readRecords } = await import('../read-records.ts');
    const runs = await readRecords(paths, terminal);
    const comparison = compareRuns(runs);
    if (json) {
      const { formatLine } = await import('@lockstep/tracking');
      terminal.out.write(formatLine({ ...comparison }));
    } else {
      const { comparisonText } = await import('../display/comparison.ts');
      terminal.out.write(comparisonText(runs, comparison, widthOf(terminal.out)));
    }
    return 0;
  },
});

export const prune = command({
  name: 'prune',
  summary: 'remove checkpoints, or whole runs, to free disk space',
  positionals: { folder: folderOfRuns },
  options: {
    filter,
    keep: wholeNumber(0, { describe: 'newest checkpoints that stay in each run', default: 1 }),
    runs: flag('remove the folders of runs that are finished or have no checkpoint; needs --filter'),
    yes: flag('remove; without it the command shows what it would remove'),
  },
  examples: [
    ['prune', 'what older checkpoints take'],
    ['prune --filter "status=finished,created<2026-11-01" --runs --yes', 'finished runs of last month'],
  ],
  run: async (args, { terminal }) => {
    requireRoot(args.folder);
    const { pruneRuns } = await import('../prune-runs.ts');
    return pruneRuns(args, terminal);
  },
});
