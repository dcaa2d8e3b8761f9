import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { decodeSafetensors, encodeSafetensors, type Metadata, type Tensors } from '@lockstep/formats';
import { writeAtomic } from './atomic.ts';

/** What the header file says beside the tensors: seed, profile, hashes; any JSON. */
export type CheckpointHeader = Readonly<Record<string, unknown>>;

export interface Checkpoint {
  /** Steps that are complete. */
  readonly step: number;
  readonly header: CheckpointHeader;
  readonly tensors: Tensors;
  /** Words beside the tensors, in the same file. */
  readonly metadata?: Metadata;
}

/** The folder of a run's checkpoints. */
export const checkpointFolder = (runFolder: string): string => join(runFolder, 'checkpoints');

/** A checkpoint that could not be used, and why. */
export interface SkippedCheckpoint {
  readonly step: number;
  readonly reason: string;
}

export interface LoadedCheckpoint extends Checkpoint {
  /** Later ones that are damaged or incomplete, newest first: report them. */
  readonly skipped: readonly SkippedCheckpoint[];
}

export interface CheckpointFiles {
  readonly step: number;
  readonly tensorsPath: string;
  readonly headerPath: string;
}

/** The header file. It is written last and holds the hash of the tensors: only a pair that fits is valid. */
interface HeaderFile {
  readonly content: {
    readonly step: number;
    readonly tensorsSha256: string;
    readonly header: CheckpointHeader;
  };
  /** Of the content as JSON. */
  readonly sha256: string;
}

/**
 * Writes `step-00000412.safetensors`, then `step-00000412.json`, each under a temporary name, fsynced and
 * renamed. Then removes all but the `keep` newest checkpoints up to this step (3 unless told). One writer a folder.
 */
export async function saveCheckpoint(
  folder: string,
  { step, header, tensors, metadata }: Checkpoint,
  { keep = 3 }: { readonly keep?: number } = {},
): Promise<CheckpointFiles> {
  requireInteger('step', step, 0);
  requireInteger('keep', keep, 1);
  const files = filesOf(folder, step);
  const bytes = encodeSafetensors(tensors, metadata);
  const content: HeaderFile['content'] = { step, tensorsSha256: sha256(bytes), header };
  const file: HeaderFile = { content, sha256: sha256(JSON.stringify(content)) };
  await mkdir(folder, { recursive: true });
  await writeAtomic(files.tensorsPath, bytes);
  await writeAtomic(files.headerPath, `${JSON.stringify(file, null, 2)}\n`);
  await removeOld(folder, step, keep);
  return files;
}

/**
 * The checkpoint of `step`, or the newest that is whole; `undefined` if the folder has none at all. Throws a
 * `checkpoint` error if the one asked for, or every one, is damaged.
 */
export async function loadCheckpoint(folder: string, step?: number): Promise<LoadedCheckpoint | undefined> {
  const steps = step === undefined ? (await stepsIn(folder)).reverse() : [step];
  const skipped: SkippedCheckpoint[] = [];
  for (const candidate of steps) {
    const result = await readCheckpoint(filesOf(folder, candidate));
    if ('tensors' in result) return { ...result, skipped };
    skipped.push(result);
  }
  if (skipped.length === 0) return undefined;
  const reasons = skipped.map((one) => `step ${one.step}: ${one.reason}`).join('; ');
  throw new LockstepError(
    'checkpoint',
    `${folder}: no checkpoint can be used: ${reasons}; name another step or start anew`,
    { folder, skipped },
  );
}

/** The checkpoints of which both files are there, oldest first; their contents are not checked. */
export async function listCheckpoints(folder: string): Promise<CheckpointFiles[]> {
  const names = new Set(await namesIn(folder));
  const all = (await stepsIn(folder)).map((step) => filesOf(folder, step));
  return all.filter(
    (files) => names.has(basename(files.tensorsPath)) && names.has(basename(files.headerPath)),
  );
}

async function readCheckpoint(files: CheckpointFiles): Promise<Checkpoint | SkippedCheckpoint> {
  const { step, tensorsPath, headerPath } = files;
  try {
    const { content, sha256: expected } = JSON.parse(await readFile(headerPath, 'utf8')) as HeaderFile;
    if (sha256(JSON.stringify(content)) !== expected)
      return { step, reason: 'the header fails its checksum' };
    if (content.step !== step) return { step, reason: `the header is that of step ${content.step}` };
    const bytes = await readFile(tensorsPath);
    if (sha256(bytes) !== content.tensorsSha256) return { step, reason: 'the tensors fail their checksum' };
    return { step, header: content.header, ...decodeSafetensors(bytes) };
  } catch (error) {
    if (isMissing(error)) return { step, reason: `${error.path} is missing` };
    if (error instanceof SyntaxError || error instanceof TypeError) {
      return { step, reason: `the header is not what was written (${error.message})` };
    }
    throw error;
  }
}

/** Removes what is older than the `keep` newest complete checkpoints up to `step`; later ones stay. */
async function removeOld(folder: string, step: number, keep: number): Promise<void> {
  const complete = (await listCheckpoints(folder)).filter((files) => files.step <= step);
  const oldestKept = complete.at(-keep)?.step ?? 0;
  for (const old of (await stepsIn(folder)).filter((other) => other < oldestKept)) {
    const { headerPath, tensorsPath } = filesOf(folder, old);
    // The header first: a crash in between leaves no header without its tensors.
    await rm(headerPath, { force: true });
    await rm(tensorsPath, { force: true });
  }
}

function filesOf(folder: string, step: number): CheckpointFiles {
  const name = `step-${String(step).padStart(8, '0')}`;
  return {
    step,
    tensorsPath: join(folder, `${name}.safetensors`),
    headerPath: join(folder, `${name}.json`),
  };
}

/** The steps that have at least one of their files, ascending. */
async function stepsIn(folder: string): Promise<number[]> {
  const found = (await namesIn(folder)).flatMap((name) => {
    const match = /^step-(\d{8,})\.(?:safetensors|json)$/.exec(name);
    return match ? [Number(match[1])] : [];
  });
  return [...new Set(found)].sort((a, b) => a - b);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function sha256(contents: Uint8Array | string): string {
  return createHash('sha256').update(contents).digest('hex');
}

function isMissing(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function requireInteger(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new LockstepError(
    'argument',
    `saveCheckpoint: ${name} must be an integer of ${least} or more, not ${value}`,
    {
      [name]: value,
    },
  );
}
