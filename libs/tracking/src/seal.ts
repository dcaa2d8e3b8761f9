/** The seal of a run: what its files were when it ended in order, as an entry of its journal. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface SealedFile {
  /** Its path within the run folder, with `/`. */
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 of these bytes, in hexadecimal. */
  readonly sha256: string;
}

/** An entry of the journal. Whoever can write to the folder can also write another seal: it shows alterations, not forgeries. */
export interface Sealed {
  readonly type: 'sealed';
  readonly time: string;
  /** Files that only grow. If the run goes on, the seal is that of their first bytes. */
  readonly logs: readonly SealedFile[];
  /** Files that are replaced as a whole, such as the manifest. If the run goes on, they may differ. */
  readonly files: readonly SealedFile[];
  /** Files of checkpoints. If the run goes on, they may differ; at any time, some may be removed. */
  readonly checkpoints: readonly SealedFile[];
}

export const journalName = 'journal.jsonl';

const logNames = ['metrics.jsonl', 'events.jsonl', 'record.bin', 'histograms.jsonl', journalName];

/**
 * Hashes the logs and the named files of a folder as they are, those that exist. The hashes of checkpoints are known from when they
 * were written.
 */
export async function sealOf(
  folder: string,
  fileNames: readonly string[],
  checkpoints: readonly SealedFile[],
): Promise<Sealed> {
  const logs = await hashesOf(folder, logNames);
  const files = await hashesOf(folder, fileNames);
  return { type: 'sealed', time: new Date().toISOString(), logs, files, checkpoints };
}

async function hashesOf(folder: string, names: readonly string[]): Promise<readonly SealedFile[]> {
  const hashed: SealedFile[] = [];
  for (const file of names) {
    const bytes = await sizeOf(join(folder, file));
    if (bytes === undefined) continue;
    hashed.push({ file, bytes, sha256: await hashOf(join(folder, file), bytes) });
  }
  return hashed;
}

/** Undefined if there is no such file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** SHA-256 of the first `bytes` of a file. */
export async function hashOf(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  if (bytes > 0) await pipeline(createReadStream(path, { end: bytes - 1, highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
