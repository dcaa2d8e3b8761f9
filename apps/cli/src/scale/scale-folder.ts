/**
 * The folder of a scale: `scale.json`, the experiment as a file whose batch size is a parameter, the sweep over batch sizes, the runs of
 * the other axes, and `pieces.jsonl`, which says what is measured already.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { fileError, makeDurableFolder, writeAtomic } from '@lockstep/files';
import type { Profile } from '@lockstep/protocol';
import { formatLine, readLines, repairLines } from '@lockstep/tracking';
import type { BatchRule } from '@lockstep/training';
import { logFolder } from '../run-folder.ts';

/** What was asked for when the scale began. */
export interface ScaleRequest {
  /** The path of the experiment's file. */
  readonly file: string;
  readonly name: string;
  readonly baseBatchSize: number;
  readonly batches: readonly number[];
  readonly workers: readonly number[];
  readonly threads: number;
  readonly rule: BatchRule;
  readonly warmup: number;
  readonly rate: number | null;
  /** The metric that batch sizes are compared by, and the value to reach; null for the one that every seed of the base batch reaches. */
  readonly metric: string;
  readonly target: number | null;
  readonly seeds: number;
  readonly seed: number;
  readonly epochs: number | null;
  readonly limitSamples: number | null;
  /** Values of parameters that the experiment declares. */
  readonly set: Readonly<Record<string, string | number | boolean>>;
  /** Steps of each run of the axis of workers. */
  readonly workerSteps: number;
  /** Epochs after which branches of the base batch size measure the critical batch size, and the sizes of these branches. */
  readonly branchAt: readonly number[];
  readonly branchBatches: readonly number[];
  readonly tolerance: number;
  /** Samples over which the noise scale is estimated. */
  readonly noiseSamples: number;
  readonly profile: Profile;
  readonly link: string;
  readonly latency: string;
}

interface ScaleManifest extends ScaleRequest {
  readonly schemaVersion: 1;
  readonly createdAt: string;
}

const manifestName = 'scale.json';
const piecesName = 'pieces.jsonl';

export const scaledFile = (folder: string): string => join(folder, 'scaled.ts');
/** The folder of the runs of an axis. */
export const axisFolder = (folder: string, axis: 'workers' | 'branches'): string => join(folder, axis);

/** The experiment with its batch size as a parameter, as a file that `lockstep train` takes. */
function scaledSource({ file, baseBatchSize, rule, warmup, rate, noiseSamples }: ScaleRequest): string {
  const options = JSON.stringify({
    baseBatchSize,
    rule,
    warmup,
    ...(rate !== null && { rate }),
    noiseSamples,
  });
  return `/** Made by lockstep scale: ${file.replaceAll('*/', '* /')} with a batch size that the optimizer follows. */
import { scaleWithBatch } from 'lockstep';
import experiment from ${JSON.stringify(file)};

export default scaleWithBatch(experiment, ${options});
`;
}

/** Makes the folder of a new scale. The manifest is written last, so a folder with a manifest has all that a resume needs. */
export async function createScaleFolder(root: string, request: ScaleRequest): Promise<string> {
  const createdAt = new Date().toISOString();
  const slug = request.name.replace(/[^A-Za-z0-9._]+/g, '-');
  const folder = join(root, `${createdAt.slice(0, 10)}-${slug}-${randomBytes(2).toString('hex')}`);
  if (existsSync(folder)) return createScaleFolder(root, request);
  await makeDurableFolder(folder);
  for (const inner of [axisFolder(folder, 'workers'), axisFolder(folder, 'branches'), logFolder(folder)]) {
    await mkdir(inner).catch((cause: unknown) => {
      throw fileError(inner, cause);
    });
  }
  await writeFile(scaledFile(folder), scaledSource(request));
  const manifest: ScaleManifest = { schemaVersion: 1, ...request, createdAt };
  await writeAtomic(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}

/** Throws `config` for a folder that is not that of a scale. */
export async function readScaleRequest(folder: string): Promise<ScaleRequest> {
  const path = join(folder, manifestName);
  try {
    const manifest = JSON.parse(await readFile(path, 'utf8')) as ScaleManifest;
    if (manifest.schemaVersion === 1) return manifest;
  } catch (cause) {
    throw notOfScale(folder, String(cause));
  }
  throw notOfScale(folder, `${path} has another version`);
}

const notOfScale = (folder: string, reason: string): LockstepError =>
  new LockstepError(
    'config',
    `${folder} is not the folder of a scale (${reason}); name the folder that lockstep scale has printed`,
    { folder },
  );

/** The folder of the sweep over batch sizes; undefined before it has begun. */
export async function sweepIn(folder: string): Promise<string | undefined> {
  const names = await readdir(folder);
  const name = names.find((one) => existsSync(join(folder, one, 'sweep.json')));
  return name === undefined ? undefined : join(folder, name);
}

/** The parts of a scale that are measured, by their keys. */
export interface Pieces {
  /** What was found, or what `measure` finds now, which is then kept; undefined if `measure` was stopped. */
  measured<Found extends object>(
    key: string,
    measure: () => Promise<Found | undefined>,
  ): Promise<Found | undefined>;
}

/** A line that a crash cut short is measured again. */
export async function openPieces(folder: string): Promise<Pieces> {
  const path = join(folder, piecesName);
  await repairLines(path);
  const { records } = await readLines(path);
  const known = new Map(records.map(({ key, found }) => [String(key), found]));
  return {
    async measured<Found extends object>(key: string, measure: () => Promise<Found | undefined>) {
      const before = known.get(key) as Found | undefined;
      if (before !== undefined) return before;
      const found = await measure();
      if (found !== undefined) await appendFile(path, formatLine({ key, found }));
      return found;
    },
  };
}
