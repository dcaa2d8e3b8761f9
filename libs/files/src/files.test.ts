import { statfsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTemporaries, writeAtomic } from './atomic.ts';
import { fileError, freeBytesAt } from './file-error.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('writeAtomic', () => {
  it('replaces a file, and leaves no other file beside it', async () => {
    const path = join(folder, 'a.json');
    for (const text of ['old', 'new']) await writeAtomic(path, text);
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('on failure throws an error with the cause, and keeps the old file', async () => {
    await mkdir(join(folder, 'taken'));
    await writeFile(join(folder, 'taken', 'x'), '');
    await expect(writeAtomic(join(folder, 'taken'), 'text')).rejects.toMatchObject({
      code: 'file',
      message: expect.stringMatching(
        /taken cannot be written: there is a folder of this name \(EISDIR, [\d,]+ bytes/,
      ),
    });
    await expect(writeAtomic(join(folder, 'no', 'file'), 'text')).rejects.toMatchObject({
      message: expect.stringMatching(
        /no\/file cannot be written: its folder does not exist \(ENOENT, .*\); make the folder/,
      ),
    });
    expect(await readdir(folder)).toEqual(['taken']);
  });
});

it('removeTemporaries removes only the temporary files of a killed process', async () => {
  for (const name of ['.a.json.tmp', 'a.json', '.tmp', 'b.tmp', '.hidden'])
    await writeFile(join(folder, name), '');
  expect(await removeTemporaries(folder)).toEqual(['.a.json.tmp']);
  expect((await readdir(folder)).sort()).toEqual(['.hidden', '.tmp', 'a.json', 'b.tmp']);
  expect(await removeTemporaries(join(folder, 'missing'))).toEqual([]);
});

describe('fileError', () => {
  it.each([
    ['ENOSPC', /no space is left on the device \(ENOSPC, [\d,]+ bytes are free\); free some space there$/],
    ['EDQUOT', /the quota of this user is used up \(EDQUOT, .*; free some space there$/],
    ['EIO', /the device reports an error \(EIO/],
    ['EROFS', /the file system is read-only \(EROFS/],
    ['EACCES', /permission is denied \(EACCES/],
    ['ENOENT', /its folder does not exist \(ENOENT/],
    ['EXYZ', /cannot be written: what the system says \(EXYZ/],
  ])('explains %s', (code, message) => {
    const cause = Object.assign(new Error('what the system says'), { code, syscall: 'write' });
    const path = join(folder, 'deep', 'down');
    const error = fileError(path, cause);
    expect(error).toMatchObject({ code: 'file', message: expect.stringMatching(message), cause });
    expect(error).toMatchObject({ facts: { path, errno: code, freeBytes: expect.any(Number) } });
  });

  it('freeBytesAt gives the free bytes at the nearest existing folder', () => {
    const { bavail, bsize } = statfsSync('/proc');
    expect(freeBytesAt('/proc/no/such/file')).toBe(bavail * bsize);
  });

  it('returns other errors unchanged', () => {
    for (const error of [new TypeError('x'), new LockstepError('data', 'x'), 'text', undefined]) {
      expect(fileError('path', error)).toBe(error);
    }
  });
});
