/** Turns the system's error of a failed write into a message with cause and remedy. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { LockstepError } from '@lockstep/errors';

interface Cause {
  readonly what: string;
  readonly remedy: string;
}

const room: Cause = { what: 'no space is left on the device', remedy: 'free some space there' };
const permission: Cause = { what: 'permission is denied', remedy: 'give this user the right to write there' };

const causes: Readonly<Record<string, Cause>> = {
  ENOSPC: room,
  EDQUOT: { what: 'the quota of this user is used up', remedy: room.remedy },
  EFBIG: {
    what: 'the file is larger than is allowed here',
    remedy: 'raise the limit, or name another folder',
  },
  EIO: { what: 'the device reports an error', remedy: 'check the device, or name another folder' },
  EROFS: { what: 'the file system is read-only', remedy: 'mount it for writing, or name another folder' },
  EACCES: permission,
  EPERM: permission,
  ENOENT: { what: 'its folder does not exist', remedy: 'make the folder, or name another one' },
  ENOTDIR: { what: 'a part of the path is no folder', remedy: 'name another folder' },
  EISDIR: { what: 'there is a folder of this name', remedy: 'name another file' },
  EEXIST: { what: 'there is a file of this name', remedy: 'remove it, or name another one' },
  EMFILE: { what: 'too many files are open', remedy: 'raise `ulimit -n`' },
  ENFILE: { what: 'too many files are open', remedy: 'raise the limit of open files' },
  ESTALE: { what: 'the file server lost the file', remedy: 'mount the file system again' },
};

/** The system's code, such as ENOSPC, of a failed file operation; undefined for any other error. */
export function fileErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * The error of code `file` for a failed write: it names path, cause, free bytes and remedy. Returns `cause` unchanged
 * if it is no failed file operation, or already has this code.
 */
export function fileError(path: string, cause: unknown): unknown {
  const errno = fileErrorCode(cause);
  if (errno === undefined || !(cause instanceof Error)) return cause;
  const { what, remedy } = causes[errno] ?? {
    what: cause.message,
    remedy: 'check the file system there',
  };
  const freeBytes = freeBytesAt(path);
  const free = freeBytes === undefined ? '' : `, ${freeBytes.toLocaleString('en-US')} bytes are free`;
  return new LockstepError(
    'file',
    `${path} cannot be written: ${what} (${errno}${free}); ${remedy}`,
    { path, errno, ...(freeBytes !== undefined && { freeBytes }) },
    { cause },
  );
}

/** The bytes that this user may still write on the device of a path, or of the nearest existing folder above it. */
export function freeBytesAt(path: string): number | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = statfsSync(at);
      return bavail * bsize;
    } catch {
      // The path does not exist, or this user may not query it: ask the folder above it.
      if (at === dirname(at)) return undefined;
    }
  }
}
