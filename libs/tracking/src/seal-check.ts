/** Compares the files of a run with its seal. */
import { join } from 'node:path';
import { formatLine, type LogRecord, readLines } from './lines.ts';
import { hashOf, journalName, type Sealed, type SealedFile, sizeOf } from './seal.ts';

export interface SealFinding {
  /** Its path within the run folder. */
  readonly file: string;
  readonly sealed: Pick<SealedFile, 'bytes' | 'sha256'>;
  /** What is there now; null if the file is missing. `sha256` is that of at most as many bytes as were sealed. */
  readonly found: Pick<SealedFile, 'bytes' | 'sha256'> | null;
  /** A sentence that names the file and says what became of it. */
  readonly message: string;
}

export interface SealReport {
  /**
   * `sealed`: the run ended in order, and nothing was written to it since. `resumed`: it went on after its last seal and has not ended in
   * order again. `unsealed`: it never ended in order, or a release without seals has trained it.
   */
  readonly state: 'sealed' | 'resumed' | 'unsealed';
  /** When the run was sealed (ISO 8601, UTC); absent if it was not. */
  readonly time?: string;
  /** Files whose bytes are those that were sealed. */
  readonly intact: readonly string[];
  /** Files that are not what was sealed. */
  readonly findings: readonly SealFinding[];
  /** Files of checkpoints that were removed since, as `lockstep prune` and a run that goes on do. */
  readonly removed: readonly string[];
}

/**
 * Compares a run folder with its last seal. Of a run that went on since, only the logs are compared, as far as they were sealed: its
 * manifest and its checkpoints may have been replaced. Throws the system's error if a file cannot be read.
 */
export async function checkSeal(folder: string): Promise<SealReport> {
  const { records } = await readLines(join(folder, journalName));
  const at = records.findLastIndex(isSealed);
  if (at < 0) return { state: 'unsealed', intact: [], findings: [], removed: [] };
  const seal = records[at] as LogRecord & Sealed;
  const state = at === records.length - 1 ? 'sealed' : 'resumed';
  const intact: string[] = [];
  const findings: SealFinding[] = [];
  const removed: string[] = [];
  for (const sealed of state === 'sealed' ? [...seal.logs, ...seal.files, ...seal.checkpoints] : seal.logs) {
    // The journal has the seal itself behind what was sealed.
    const behind = sealed.file === journalName ? Buffer.byteLength(formatLine(seal)) : 0;
    const finding = await compare(folder, sealed, state === 'sealed' ? behind : undefined);
    if (finding === undefined) intact.push(sealed.file);
    else if (finding.found === null && seal.checkpoints.includes(sealed)) removed.push(sealed.file);
    else findings.push(finding);
  }
  return { state, time: seal.time, intact, findings, removed };
}

/** `behind`: how many bytes follow those that were sealed; undefined for any number. */
async function compare(
  folder: string,
  { file, bytes, sha256 }: SealedFile,
  behind: number | undefined,
): Promise<SealFinding | undefined> {
  const sealed = { bytes, sha256 };
  const size = await sizeOf(join(folder, file));
  if (size === undefined) return { file, sealed, found: null, message: `${file} is missing` };
  const found = { bytes: size, sha256: await hashOf(join(folder, file), Math.min(size, bytes)) };
  const finding = (what: string): SealFinding => ({ file, sealed, found, message: `${file} ${what}` });
  if (size < bytes) return finding(`has ${size} of the ${bytes} bytes that were sealed`);
  if (found.sha256 !== sha256)
    return finding(`was altered: the ${bytes} bytes that were sealed are other bytes`);
  if (behind === undefined || size === bytes + behind) return undefined;
  return finding(
    `has ${size - bytes - behind} bytes more than were sealed, and the run has not gone on since`,
  );
}

function isSealed(record: LogRecord): boolean {
  const { type, time, logs, files, checkpoints } = record;
  return type === 'sealed' && typeof time === 'string' && [logs, files, checkpoints].every(isListOfFiles);
}

function isListOfFiles(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return value.every((one: Partial<SealedFile> | null) => {
    const { file, bytes, sha256 } = one ?? {};
    return typeof file === 'string' && Number.isSafeInteger(bytes) && typeof sha256 === 'string';
  });
}
