import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import {
  type Disk,
  disk,
  fileError,
  fileErrorCode,
  makeDurableFolder,
  readWhole,
  writeAtomic,
} from '@lockstep/files';
import { decodeSafetensors, encodeSafetensors, type Metadata, type Tensors } from '@lockstep/formats';
import { defaultKeep, type Keep, surplusSteps } from './retention.ts';

/** Facts beside the tensors: seed, profile, hashes; any JSON. */
export type CheckpointHeader = Readonly<Record<string, unknown>>;

export interface Checkpoint {
  /** The number of completed steps. */
  readonly step: number;
  readonly header: CheckpointHeader;
  readonly tensors: Tensors;
  /** Texts beside the tensors, in the same file. */
  readonly metadata?: Metadata;
}

const folderName = 'checkpoints';

/** The folder of a run's checkpoints. */
export const checkpointFolder = (runFolder: string): string => join(runFolder, folderName);

/** A checkpoint that could not be used, and the reason. */
export interface SkippedCheckpoint {
  readonly step: number;
  /** The file that is missing or damaged. */
  readonly path: string;
  readonly reason: string;
}

export interface LoadedCheckpoint extends Checkpoint {
  /** Later checkpoints that are damaged or incomplete, newest first. The caller reports them. */
  readonly skipped: readonly SkippedCheckpoint[];
}

export interface NewestCheckpoint {
  /** Undefined if no checkpoint can be used. */
  readonly checkpoint: Checkpoint | undefined;
  /** Later checkpoints that are damaged or incomplete, newest first. The caller reports them. */
  readonly skipped: readonly SkippedCheckpoint[];
}

export interface CheckpointFiles {
  readonly step: number;
  readonly tensorsPath: string;
  readonly headerPath: string;
}

export interface SavedCheckpoint extends CheckpointFiles {
  /** SHA-256 of the file of the tensors. */
  readonly tensorsSha256: string;
}

/**
 * The header file. It is written last and holds the hash of the tensors, so a header that does not match its tensors was never
 * written.
 */
interface HeaderFile {
  readonly content: {
    readonly step: number;
    readonly tensorsSha256: string;
    readonly header: CheckpointHeader;
  };
  /** The hash of the content as JSON. */
  readonly sha256: string;
}

export interface SaveOptions {
  /** Default 10. */
  readonly keep?: Keep;
  /** The step of a checkpoint that is never removed. */
  readonly first?: number | undefined;
  readonly on?: Disk;
}

/**
 * Writes `step-00000412.safetensors`, then `step-00000412.json`, each under a temporary name, fsynced and renamed. The second
 * rename completes the checkpoint. Afterwards removes checkpoints up to this step that are {@link surplusSteps | surplus} to `keep`;
 * later ones stay, and that of step `first`. A folder has one writer at a time. Throws a `file` error, and then leaves no file of
 * this checkpoint.
 */
export async function saveCheckpoint(
  folder: string,
  { step, header, tensors, metadata }: Checkpoint,
  { keep = defaultKeep, first, on = disk }: SaveOptions = {},
): Promise<SavedCheckpoint> {
  requireStep(step);
  const files = filesOf(folder, step);
  const bytes = encodeSafetensors(tensors, metadata);
  const tensorsSha256 = sha256(bytes);
  const content: HeaderFile['content'] = { step, tensorsSha256, header };
  const file: HeaderFile = { content, sha256: sha256(JSON.stringify(content)) };
  try {
    await makeDurableFolder(folder, on);
  } catch (cause) {
    throw fileError(folder, cause);
  }
  await writePair(files, bytes, `${JSON.stringify(file, null, 2)}\n`, on);
  await removeSurplus(folder, step, { keep, first, on }).catch((error: unknown) => {
    // The new checkpoint is durable, so this is no failure. The next save tries again.
    if (fileErrorCode(error) === undefined) throw error;
  });
  return { ...files, tensorsSha256 };
}

async function writePair(
  { tensorsPath, headerPath }: CheckpointFiles,
  tensors: Uint8Array,
  header: string,
  on: Disk,
): Promise<void> {
  await writeAtomic(tensorsPath, tensors, on);
  try {
    await writeAtomic(headerPath, header, on);
  } catch (error) {
    // Tensors without a header are useless, and would take the room that the next try needs.
    const names = await on.list(dirname(headerPath)).catch(() => [basename(headerPath)]);
    if (!names.includes(basename(headerPath))) await on.remove(tensorsPath).catch(() => undefined);
    throw error;
  }
}

/**
 * The checkpoint of `step`, or the newest complete one; `undefined` if the folder has none. Throws a `checkpoint` error if the
 * requested one, or every one, is damaged.
 */
export async function loadCheckpoint(folder: string, step?: number): Promise<LoadedCheckpoint | undefined> {
  const { checkpoint, skipped } = await newestOf(folder, step === undefined ? await stepsIn(folder) : [step]);
  if (checkpoint !== undefined) return { ...checkpoint, skipped };
  if (skipped.length === 0) return undefined;
  const reasons = skipped.map((one) => `step ${one.step}: ${one.reason}`).join('; ');
  const remedy =
    step === undefined
      ? '`lockstep resume` begins again from the seed and writes new ones'
      : 'name another step, or none for the newest that can be used';
  throw new LockstepError('checkpoint', `${folder}: no checkpoint can be used: ${reasons}; ${remedy}`, {
    folder,
    skipped,
  });
}

/** The newest complete checkpoint, if there is one. Does not throw for damaged ones. */
export async function newestCheckpoint(folder: string): Promise<NewestCheckpoint> {
  return newestOf(folder, await stepsIn(folder));
}

/** `steps` are ascending. */
async function newestOf(folder: string, steps: readonly number[]): Promise<NewestCheckpoint> {
  const skipped: SkippedCheckpoint[] = [];
  for (const step of [...steps].reverse()) {
    const result = await readCheckpoint(filesOf(folder, step));
    if ('tensors' in result) return { checkpoint: result, skipped };
    skipped.push(result);
  }
  return { checkpoint: undefined, skipped };
}

/** The checkpoints of which both files exist, oldest first. Their contents are not checked. */
export async function listCheckpoints(folder: string): Promise<CheckpointFiles[]> {
  return completeIn(folder, await disk.list(folder));
}

function completeIn(folder: string, names: readonly string[]): CheckpointFiles[] {
  const present = new Set(names);
  return stepsOf(names)
    .map((step) => filesOf(folder, step))
    .filter((files) => present.has(basename(files.tensorsPath)) && present.has(basename(files.headerPath)));
}

/** A file of a checkpoint, as it was written. */
export interface CheckpointFileHash {
  /** Its path within the run folder, with `/`. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * The hashes of all checkpoints of a run, oldest first, without reading their tensors: the header has the hash with which they were
 * written. Checkpoints whose header is damaged are left out, because nothing can begin from them.
 */
export async function checkpointHashes(runFolder: string): Promise<CheckpointFileHash[]> {
  const hashes: CheckpointFileHash[] = [];
  for (const { tensorsPath, headerPath } of await listCheckpoints(checkpointFolder(runFolder))) {
    const header = await readWhole(headerPath);
    const file = parseHeader(header);
    if (typeof file === 'string' || sha256(JSON.stringify(file.content)) !== file.sha256) continue;
    const { size } = await stat(tensorsPath);
    hashes.push(
      { file: fileNameOf(tensorsPath), bytes: size, sha256: file.content.tensorsSha256 },
      { file: fileNameOf(headerPath), bytes: header.length, sha256: sha256(header) },
    );
  }
  return hashes;
}

const fileNameOf = (path: string): string => `${folderName}/${basename(path)}`;

async function readCheckpoint(files: CheckpointFiles): Promise<Checkpoint | SkippedCheckpoint> {
  const { step, tensorsPath, headerPath } = files;
  const skip = (path: string, reason: string): SkippedCheckpoint => ({ step, path, reason });
  const header = await readOrSkip(headerPath, skip);
  if ('reason' in header) return header;
  const tensors = await readOrSkip(tensorsPath, skip);
  if ('reason' in tensors) return tensors;
  const file = parseHeader(header.bytes);
  if (typeof file === 'string') return skip(headerPath, `the header is not what was written (${file})`);
  const { content, sha256: expected } = file;
  if (sha256(JSON.stringify(content)) !== expected) return skip(headerPath, 'the header fails its checksum');
  if (content.step !== step) return skip(headerPath, `the header is that of step ${content.step}`);
  if (sha256(tensors.bytes) !== content.tensorsSha256) {
    return skip(tensorsPath, `the tensors fail their checksum (${tensors.bytes.length} bytes)`);
  }
  const { tensors: arrays, metadata } = decodeSafetensors(tensors.bytes);
  const words = Object.keys(metadata).length === 0 ? {} : { metadata };
  return { step, header: content.header, tensors: arrays, ...words };
}

async function readOrSkip(
  path: string,
  skip: (path: string, reason: string) => SkippedCheckpoint,
): Promise<{ readonly bytes: Buffer } | SkippedCheckpoint> {
  try {
    return { bytes: await readWhole(path) };
  } catch (error) {
    const errno = fileErrorCode(error);
    if (errno === undefined) throw error;
    return skip(path, errno === 'ENOENT' ? `${path} is missing` : `${path} cannot be read (${errno})`);
  }
}

/** A string gives the reason why the file is damaged. */
function parseHeader(bytes: Buffer): HeaderFile | string {
  if (bytes.length === 0) return 'it is empty';
  try {
    const file = JSON.parse(bytes.toString('utf8')) as Partial<HeaderFile> | null;
    return typeof file?.content === 'object' && file.content !== null
      ? (file as HeaderFile)
      : 'it has no content';
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** Removes surplus checkpoints up to `step`, and what is left of incomplete ones; later ones stay, and the first. */
async function removeSurplus(
  folder: string,
  step: number,
  { keep, first, on }: { readonly keep: Keep; readonly first: number | undefined; readonly on: Disk },
): Promise<void> {
  const names = await on.list(folder);
  const complete = completeIn(folder, names).flatMap((files) => (files.step <= step ? [files.step] : []));
  const removable = complete.filter((other) => other !== first);
  const incomplete = stepsOf(names).filter((other) => other < step && !complete.includes(other));
  for (const old of [...surplusSteps(removable, keep), ...incomplete])
    await removeCheckpoint(folder, old, on);
}

/** Removes the files of one step. The header goes first: a crash in between leaves no header without its tensors. */
export async function removeCheckpoint(folder: string, step: number, on: Disk = disk): Promise<void> {
  const { headerPath, tensorsPath } = filesOf(folder, step);
  await on.remove(headerPath);
  await on.remove(tensorsPath);
}

function filesOf(folder: string, step: number): CheckpointFiles {
  const name = `step-${String(step).padStart(8, '0')}`;
  return {
    step,
    tensorsPath: join(folder, `${name}.safetensors`),
    headerPath: join(folder, `${name}.json`),
  };
}

async function stepsIn(folder: string): Promise<number[]> {
  return stepsOf(await disk.list(folder));
}

/** The steps of which at least one file exists, ascending. */
function stepsOf(names: readonly string[]): number[] {
  const found = names.flatMap((name) => {
    const match = /^step-(\d{8,})\.(?:safetensors|json)$/.exec(name);
    return match ? [Number(match[1])] : [];
  });
  return [...new Set(found)].sort((a, b) => a - b);
}

function sha256(contents: Uint8Array | string): string {
  return createHash('sha256').update(contents).digest('hex');
}

function requireStep(step: number): void {
  if (Number.isSafeInteger(step) && step >= 0) return;
  throw new LockstepError('argument', `saveCheckpoint: step must be an integer of 0 or more, not ${step}`, {
    step,
  });
}
