import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireOrdinaryFile, requireWritableFolder } from './writable.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-writable-'));
});
afterEach(() => rm(root, { recursive: true }));

const look = (folder: string) => requireWritableFolder('run-root', folder);

describe('a folder to write in', () => {
  it('may exist or not, and is left unchanged', async () => {
    await look(root);
    await look(join(root, 'a', 'b', 'c'));
    await mkdir(join(root, 'real'));
    await symlink(join(root, 'real'), join(root, 'link'));
    await look(join(root, 'link', 'more'));
    expect(await readdir(root, { recursive: true })).toEqual(['link', 'real']);
  });

  it('is not a file, and no part of its path is one', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(look(file)).rejects.toMatchObject({
      code: 'config',
      message: `--run-root '${file}' cannot be used: it is not a folder; name a folder that can be written to`,
    });
    await expect(look(join(file, 'runs', 'more'))).rejects.toThrow(
      `--run-root '${file}/runs/more' cannot be used: '${file}`,
    );
  });

  it('is not a pipe, not a link without target and not a link to itself', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await symlink(join(root, 'nothing'), join(root, 'dangling'));
    await symlink(join(root, 'loop'), join(root, 'loop'));
    await expect(look(join(root, 'pipe'))).rejects.toThrow('it is not a folder');
    await expect(look(join(root, 'dangling'))).rejects.toThrow('it is a link without a target');
    await expect(look(join(root, 'dangling', 'runs'))).rejects.toThrow('it is a link without a target');
    await expect(look(join(root, 'loop'))).rejects.toThrow('it is a link that leads to itself');
  });

  // Node's mkdir with `recursive` never returns for the second path.
  it.each(['/dev/null/runs', '/proc/runs', '/proc/self/a/b', '/sys/runs'])('is not %s', async (folder) => {
    await expect(look(folder)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining(`--run-root '${folder}' cannot be used:`),
    });
  });

  it('has a name that the system takes', async () => {
    await expect(look(join(root, 'x'.repeat(300)))).rejects.toThrow('the name is too long');
  });
});

describe('a file to write', () => {
  it('is an ordinary file, or does not exist yet', async () => {
    const path = join(root, 'trace.json');
    await requireOrdinaryFile('trace', path);
    await writeFile(path, '');
    await requireOrdinaryFile('trace', path);
    await requireOrdinaryFile('trace', '/dev/null');
  });

  it('is not a folder and not a pipe, which would wait for a reader', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await expect(requireOrdinaryFile('trace', join(root, 'pipe'))).rejects.toThrow(/--trace '.*' is a pipe/);
    await expect(requireOrdinaryFile('trace', root)).rejects.toThrow(/--trace '.*' is a folder/);
  });
});
