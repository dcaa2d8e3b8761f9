import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  generateKeys,
  readClientKeys,
  readServerKeys,
  requireKeysUnlessLoopback,
  writeKeys,
} from './keys.ts';

const credentials = expect.objectContaining({ code: 'credentials' });
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-keys-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('key files', () => {
  it('are read as they were written, and only their owner can read them', async () => {
    const keys = generateKeys();
    await writeKeys(folder, keys);
    expect(await readServerKeys(folder)).toEqual(keys.server);
    expect(await readClientKeys(folder)).toEqual(keys.client);
    for (const name of await readdir(folder)) {
      expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
    }
  });

  it('are never overwritten', async () => {
    await writeKeys(folder, generateKeys());
    await expect(writeKeys(folder, generateKeys())).rejects.toThrowError(credentials);
  });

  it('are written all or not at all, with an error that names the obstacle', async () => {
    const taken = join(folder, 'file');
    await writeFile(taken, '');
    await expect(writeKeys(join(taken, 'keys'), generateKeys())).rejects.toMatchObject({
      code: 'file',
      message: expect.stringContaining('keys cannot be written: a part of the path is no folder (ENOTDIR'),
    });
    // A dangling link does not count as an existing key, and cannot be written.
    await symlink(join(folder, 'no', 'such', 'file'), join(folder, 'clients.allow'));
    await expect(writeKeys(folder, generateKeys())).rejects.toMatchObject({ code: 'file' });
    expect((await readdir(folder)).sort()).toEqual(['clients.allow', 'file']);
  });

  it('are refused when missing or damaged, without repeating the damaged text', async () => {
    await expect(readServerKeys(folder)).rejects.toThrowError(credentials);
    await writeKeys(folder, generateKeys());
    await writeFile(join(folder, 'client.secret'), 'half-a-secret\n');
    await expect(readClientKeys(folder)).rejects.toThrowError(credentials);
    await expect(readClientKeys(folder)).rejects.not.toThrowError(/half-a-secret/);
  });

  it('are required on any address but loopback', () => {
    expect(() => requireKeysUnlessLoopback('tcp://0.0.0.0:5555', undefined)).toThrowError(/lockstep keys/);
    requireKeysUnlessLoopback('tcp://0.0.0.0:5555', generateKeys().server);
    requireKeysUnlessLoopback('tcp://127.0.0.1:5555', undefined);
  });
});
