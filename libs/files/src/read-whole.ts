/** Reads files beyond 2 GiB, the limit of `readFile` and of one call to the operating system. */
import { type FileHandle, open } from 'node:fs/promises';

const pieceBytes = 2 ** 30;

/** Fills `bytes` from position `at` of the file; returns the number of bytes read. Throws the system's errors. */
export async function readInto(file: FileHandle, bytes: Uint8Array, at: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const wanted = Math.min(pieceBytes, bytes.length - done);
    const { bytesRead } = await file.read(bytes, done, wanted, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** All bytes of a file. Throws the system's errors. */
export async function readWhole(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc((await file.stat()).size);
    return bytes.subarray(0, await readInto(file, bytes, 0));
  } finally {
    await file.close();
  }
}
