/** Reads a log while another process, or this one, writes to it. */
import { open, stat } from 'node:fs/promises';
import { type LogRecord, recordOf } from './lines.ts';

/** `grown`: there are new records. `replaced`: the file is another one, or shorter, so what was read of it no longer holds. */
export type TailChange = 'same' | 'grown' | 'replaced';

/** Between two pieces of a long file other work has its turn. */
const pieceBytes = 64 * 1_024;

const lineFeed = 0x0a;

export class LogTail {
  readonly #path: string;
  readonly #recordOf: (line: string) => LogRecord | undefined;
  /** The beginning of the first line that was not whole. */
  #at = 0;
  #inode: number | undefined;
  #numDamaged = 0;

  /** `parse` gives undefined for a line that is no record. Default: a JSON object. */
  constructor(path: string, parse: (line: string) => LogRecord | undefined = recordOf) {
    this.#path = path;
    this.#recordOf = parse;
  }

  /** Lines that are no records, which are left out. */
  get numDamaged(): number {
    return this.#numDamaged;
  }

  /**
   * Passes on the records of lines that were completed since the last call. After `replaced`, nothing is passed on, and the next call
   * begins with the first line. A file that does not exist is empty. Throws the system's other errors.
   */
  async read(onRecord: (record: LogRecord) => void): Promise<TailChange> {
    const found = await stat(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    const { ino, size } = found ?? { ino: undefined, size: 0 };
    const isOther = this.#inode !== undefined && ino !== this.#inode;
    if (isOther || size < this.#at) {
      this.#at = 0;
      this.#inode = undefined;
      this.#numDamaged = 0;
      return 'replaced';
    }
    if (size === this.#at) return 'same';
    this.#inode = ino;
    return this.#readTo(size, onRecord);
  }

  async #readTo(size: number, onRecord: (record: LogRecord) => void): Promise<TailChange> {
    const file = await open(this.#path);
    let change: TailChange = 'same';
    try {
      for (let wanted = pieceBytes; this.#at < size; ) {
        const piece = Buffer.allocUnsafe(Math.min(wanted, size - this.#at));
        const { bytesRead } = await file.read(piece, 0, piece.length, this.#at);
        const end = piece.subarray(0, bytesRead).lastIndexOf(lineFeed) + 1;
        if (end === 0) {
          // The line is longer than the piece, or not whole yet.
          if (bytesRead < wanted) break;
          wanted *= 2;
          continue;
        }
        this.#at += end;
        change = 'grown';
        for (const line of piece.toString('utf8', 0, end - 1).split('\n')) {
          const record = this.#recordOf(line);
          if (record === undefined) this.#numDamaged++;
          else onRecord(record);
        }
      }
    } finally {
      await file.close();
    }
    return change;
  }
}
