/** Reads run folders. Damage costs what is damaged: the rest is read, and a warning names the file. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { checkpointFolder, listCheckpoints } from '@lockstep/checkpoint';
import { LockstepError } from '@lockstep/errors';
import {
  type LogName,
  type LogRecord,
  logNames,
  manifestSchemaVersion,
  readLog,
  readManifest,
  standingMetrics,
} from '@lockstep/tracking';
import {
  defined,
  isJson,
  isText,
  isValue,
  type Json,
  jsonOf,
  numberOf,
  pick,
  textOf,
  textsOf,
} from './fields.ts';
import { curvesIn, durationOf, fingerprintsIn, type Logs, lastOf, statusOf, stepsIn } from './logs.ts';
import type { RunRecord } from './record.ts';

export interface ReadOptions {
  /**
   * Whether a process trains the run of this folder; a `LockstepError` becomes a warning. Default: unknown, so that a run whose journal
   * does not say how it ended is unknown too.
   */
  readonly isRunning?: (folder: string) => boolean | undefined;
}

export interface RunList {
  /** In the order of the folders' names, which begin with the date. */
  readonly runs: readonly RunRecord[];
  /** Folders that are no runs and what is damaged in those that are, a sentence each. */
  readonly warnings: readonly string[];
}

/** Every run in a folder. Throws `config` when the folder cannot be read. */
export async function readRuns(root: string, options: ReadOptions = {}): Promise<RunList> {
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const { code } = cause;
    throw new LockstepError(
      'config',
      `${root} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${String(cause)})`}; name the folder of your runs`,
      { root },
      { cause },
    );
  });
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  const names = folders.map(({ name }) => name).sort();
  const runs: RunRecord[] = [];
  const warnings: string[] = [];
  for (const name of names) {
    const folder = join(root, name);
    // One folder at a time, so that thousands of runs do not open thousands of files.
    const run = await readRun(folder, options).catch((error: unknown) => {
      if (error instanceof LockstepError) return error.message;
      throw error;
    });
    if (typeof run === 'string') warnings.push(run);
    else {
      runs.push(run);
      warnings.push(...run.warnings);
    }
  }
  return { runs, warnings };
}

const folderName = /^(\d{4}-\d\d-\d\d)-(.+)-[0-9a-f]{4}$/;

/** Reads one run. Throws `config` for a folder without any file of a run. */
export async function readRun(folder: string, options: ReadOptions = {}): Promise<RunRecord> {
  const warnings: string[] = [];
  const manifest = await manifestOf(folder, warnings);
  const isRunning = isRunningIn(folder, options, warnings);
  const logs: Logs = {
    metrics: standingMetrics(await logOf(folder, 'metrics', isRunning, warnings)),
    events: await logOf(folder, 'events', isRunning, warnings),
    journal: await logOf(folder, 'journal', isRunning, warnings),
  };
  return recordOf(folder, manifest, logs, isRunning, warnings);
}

/**
 * A run whose logs are read as they grow. Curves, fingerprints and steps are those of the metrics that are given, which may be the last
 * ones alone. Throws `config` for a folder without any file of a run.
 */
export async function readRunAround(
  folder: string,
  logs: Logs,
  options: ReadOptions = {},
): Promise<RunRecord> {
  const warnings: string[] = [];
  const manifest = await manifestOf(folder, warnings);
  return recordOf(folder, manifest, logs, isRunningIn(folder, options, warnings), warnings);
}

async function recordOf(
  folder: string,
  manifest: Json,
  logs: Logs,
  isRunning: boolean | undefined,
  warnings: string[],
): Promise<RunRecord> {
  const id = basename(resolve(folder));
  const [, date, name] = folderName.exec(id) ?? [];
  return {
    folder,
    id,
    name: textOf(manifest.name) ?? name ?? id,
    status: statusOf(logs, isRunning),
    ...facts(manifest, logs, date),
    ...identity(manifest, logs),
    steps: Math.max(stepsIn(logs), numberOf(jsonOf(manifest.parent).step) ?? 0),
    params: pick(jsonOf(manifest.config).params, isValue),
    config: configOf(manifest),
    curves: curvesIn(logs.metrics),
    fingerprints: fingerprintsIn(logs),
    ...(isRunning !== true && defined({ durationMs: durationOf(logs) })),
    checkpoints: await checkpointsOf(folder, warnings),
    warnings,
  };
}

function isRunningIn(folder: string, { isRunning }: ReadOptions, warnings: string[]): boolean | undefined {
  try {
    return isRunning?.(folder);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    warnings.push(error.message);
    return undefined;
  }
}

/** When, where and how a run was begun. */
function facts(manifest: Json, { metrics }: Logs, date: string | undefined) {
  const { host, cpu, cores, memoryBytes } = jsonOf(manifest.machine);
  const machine = defined({
    host: textOf(host),
    cpu: textOf(cpu),
    cores: numberOf(cores),
    memoryBytes: numberOf(memoryBytes),
  });
  const { run, step, stateHash, chain } = jsonOf(manifest.parent);
  const state = defined({ stateHash: textOf(stateHash), chain: textOf(chain) });
  const parent = isText(run) && typeof step === 'number' ? { run, step, ...state } : undefined;
  const { folder, trial } = jsonOf(manifest.sweep);
  const sweep = isText(folder) && typeof trial === 'number' ? { folder, trial } : undefined;
  const command = textsOf(manifest.command);
  return defined({
    created: textOf(manifest.createdAt) ?? date,
    totalSteps: numberOf(metrics.findLast(({ totalSteps }) => totalSteps !== undefined)?.totalSteps),
    seed: numberOf(jsonOf(manifest.config).seed),
    platform: textOf(manifest.platform),
    machine: Object.keys(machine).length === 0 ? undefined : machine,
    command: command.length === 0 ? undefined : command,
    parent,
    sweep,
  });
}

/** What decides the result beside the settings. */
function identity(manifest: Json, { journal }: Logs) {
  const { file, hash } = jsonOf(manifest.experiment);
  const experiment = defined({ file: textOf(file), hash: textOf(hash) });
  return {
    ...defined({
      profile: textOf(lastOf(journal, 'profile')?.profile) ?? textOf(manifest.profile),
      experiment: Object.keys(experiment).length === 0 ? undefined : experiment,
      data: textOf(lastOf(journal, 'data')?.hash),
    }),
    programs: pick(lastOf(journal, 'programs')?.hashes, isText),
    builds: textsOf(manifest.builds),
    versions: pick(manifest.versions, isText),
  };
}

function configOf({ config }: Json): RunRecord['config'] {
  const { seed: _, params: __, ...rest } = jsonOf(config);
  return pick(rest, isValue);
}

async function manifestOf(folder: string, warnings: string[]): Promise<Json> {
  const manifest: unknown = await readManifest(folder).catch(async (error: unknown) => {
    if (!(error instanceof LockstepError)) throw error;
    if (await isForeign(folder)) {
      throw new LockstepError('config', `${folder} is not the folder of a run`, { folder }, { cause: error });
    }
    warnings.push(error.message);
    return {};
  });
  if (!isJson(manifest)) {
    warnings.push(
      `${join(folder, 'manifest.json')} holds no JSON object; the settings of the run are unknown`,
    );
    return {};
  }
  const version = numberOf(manifest.schemaVersion) ?? 1;
  if (version > manifestSchemaVersion) {
    warnings.push(
      `${folder} was written by a later release (schema version ${version}; this release knows ${manifestSchemaVersion}); fields that this release does not know are left out`,
    );
  }
  return manifest;
}

/** Whether a folder has neither a manifest nor a log. */
async function isForeign(folder: string): Promise<boolean> {
  const files = ['manifest.json', ...logNames.map((name) => `${name}.jsonl`)];
  const found = await Promise.all(files.map((file) => isFile(join(folder, file))));
  return !found.includes(true);
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

async function logOf(
  folder: string,
  name: LogName,
  isRunning: boolean | undefined,
  warnings: string[],
): Promise<readonly LogRecord[]> {
  const lines = await readLog(folder, name).catch((cause: unknown) => {
    warnings.push(`${join(folder, `${name}.jsonl`)} cannot be read (${String(cause)})`);
    return { records: [] };
  });
  const { records, damaged = [], torn } = { damaged: undefined, torn: undefined, ...lines };
  // The last line of a run that goes on may be half-written at this moment.
  for (const { path, line } of [...damaged, ...(torn === undefined || isRunning === true ? [] : [torn])]) {
    warnings.push(`${path}: line ${line} was cut short by a crash or a full disk and is left out`);
  }
  return records;
}

async function checkpointsOf(folder: string, warnings: string[]): Promise<readonly number[]> {
  const path = checkpointFolder(folder);
  try {
    return (await listCheckpoints(path)).map(({ step }) => step);
  } catch (cause) {
    warnings.push(`${path} cannot be read (${String(cause)})`);
    return [];
  }
}
