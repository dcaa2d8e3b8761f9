import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { readManifest } from '@lockstep/tracking';
import { resolveConfig } from '@lockstep/training';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadExperiment } from './experiment-file.ts';
import { createProject, type TestProject } from './fixtures/project.ts';
import { identityOf } from './processes.ts';
import {
  createRunFolder,
  discardRun,
  finishedEnding,
  openRunFolder,
  requireRunFolder,
} from './run-folder.ts';
import { whileLocked } from './run-lock.ts';

let project: TestProject;
let root: string;
beforeEach(async () => {
  project = await createProject();
  root = join(project.folder, 'runs');
  await mkdir(root);
});
afterEach(() => project.remove());

async function newRun() {
  const file = await loadExperiment(project.tiny);
  const config = resolveConfig(file.experiment, { steps: 3 });
  const opened = await createRunFolder(root, file, config, 'portable', {
    command: ['train', 'tiny.ts', '--steps', '3'],
  });
  return { file, config, opened, folder: opened.run.folder };
}

async function closedRun() {
  const created = await newRun();
  await created.opened.run.close();
  return created;
}

describe('a run folder', () => {
  it('gives back what the run began with', async () => {
    const { file, config, folder } = await closedRun();
    const opened = await openRunFolder(folder);
    await opened.run.close();
    expect(opened).toMatchObject({ name: 'tiny', config, profile: 'portable' });
    expect(config).toMatchObject({ seed: 5, numShards: 4, batchSize: 12, steps: 3, epochs: null });
    expect(Buffer.from(opened.bundle).equals(file.bundle)).toBe(true);
    expect(opened.run.manifest).toMatchObject({
      experiment: { file: project.tiny, hash: file.hash },
      versions: { lockstep: '0.1.0', node: process.version },
      lockfile: expect.stringMatching(/^[0-9a-f]{64}$/),
      schemaVersion: 2,
      command: ['train', 'tiny.ts', '--steps', '3'],
      machine: { host: hostname(), cores: availableParallelism(), memoryBytes: totalmem() },
      parent: null,
      keep: 10,
    });
  });

  it('has the number of checkpoints to keep outside of the configuration, since it decides no result', async () => {
    const file = await loadExperiment(project.tiny);
    const config = resolveConfig(file.experiment, { steps: 3 });
    const { run } = await createRunFolder(root, file, config, 'portable', { keep: 'all' });
    await run.close();
    expect(await readManifest(run.folder)).toMatchObject({ keep: 'all', config });
    expect(config).not.toHaveProperty('keep');
  });

  it('is removed when no step was done', async () => {
    const { opened } = await newRun();
    await discardRun(opened);
    expect(await readdir(root)).toEqual([]);
  });

  it.each([
    ['is missing', (path: string) => rm(path)],
    ['is empty', (path: string) => truncate(path, 0)],
    ['was cut short', (path: string) => truncate(path, 40)],
  ])('makes code that %s again from its file', async (_what, damage) => {
    const { file, folder } = await closedRun();
    const path = join(folder, 'experiment.mjs');
    await damage(path);
    const opened = await openRunFolder(folder);
    await opened.run.close();
    expect(Buffer.from(opened.bundle).equals(file.bundle)).toBe(true);
    expect(opened.notices).toMatchObject([
      { type: 'codeRestored', message: expect.stringContaining(`it was made again from ${project.tiny}`) },
    ]);
    expect((await readFile(path)).equals(file.bundle)).toBe(true);
    const again = await openRunFolder(folder);
    await again.run.close();
    expect(again.notices).toEqual([]);
  });

  it('names the remedy if the code is missing and its file has changed', async () => {
    const { folder } = await closedRun();
    await rm(join(folder, 'experiment.mjs'));
    await appendFile(project.tiny, '\nexport const more = 1;\n');
    await expect(openRunFolder(folder)).rejects.toMatchObject({
      code: 'checkpoint',
      message: expect.stringMatching(/experiment\.mjs cannot be read: .*put the file back, or begin again/),
    });
  });

  it('holds nothing if the command was killed while it made the folder', async () => {
    for (const leftovers of [[], ['.manifest.json.tmp'], ['experiment.mjs', '.manifest.json.tmp']]) {
      const folder = join(root, `2026-11-30-tiny-00f${leftovers.length}`);
      await mkdir(folder);
      for (const name of leftovers) await writeFile(join(folder, name), '{');
      await expect(requireRunFolder(folder)).rejects.toMatchObject({
        code: 'config',
        message: `${folder} has no manifest.json: its command was stopped while it made the folder, and nothing was trained; remove the folder and begin with lockstep train`,
      });
    }
  });

  it('refuses code that was changed', async () => {
    const { folder } = await closedRun();
    await appendFile(join(folder, 'experiment.mjs'), '\n');
    await expect(openRunFolder(folder)).rejects.toThrow(/experiment\.mjs has SHA-256 .*: use lockstep train/);
  });

  it('refuses the manifest of something else', async () => {
    const { folder } = await closedRun();
    await writeFile(join(folder, 'manifest.json'), '{"name":"x"}');
    await expect(openRunFolder(folder)).rejects.toThrow(/its manifest\.json is not that of a training run/);
  });

  it('knows how its run finished', async () => {
    const { folder } = await closedRun();
    expect(await finishedEnding(folder)).toBeUndefined();
    await appendFile(
      join(folder, 'events.jsonl'),
      '{"type":"joined"}\n{"type":"done","ending":{"steps":3}}\n',
    );
    expect(await finishedEnding(folder)).toEqual({ steps: 3 });
    // The run was made longer.
    await appendFile(join(folder, 'events.jsonl'), '{"type":"lengthChanged","step":3}\n');
    expect(await finishedEnding(folder)).toBeUndefined();
  });

  it('is suggested when its name is mistyped', async () => {
    const { folder } = await closedRun();
    const mistyped = `${folder.slice(0, -1)}_`;
    await expect(requireRunFolder(mistyped)).rejects.toMatchObject({
      code: 'config',
      message: `${mistyped} is not the folder of a run; did you mean ${folder}?`,
    });
    await expect(requireRunFolder(`${folder}/`)).resolves.toBe(folder);
  });
});

describe('whileLocked', () => {
  it('keeps other processes out while it lasts', async () => {
    const held = join(root, 'lock');
    await whileLocked(root, async () => expect(await readdir(root)).toEqual(['lock']));
    expect(await readdir(root)).toEqual([]);
    // Process 1 lives, and is not one of ours.
    await writeFile(held, '1\n');
    await expect(whileLocked(root, () => Promise.resolve())).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('is being trained by process 1'),
    });
    expect(await readdir(root)).toEqual(['lock']);
  });

  it('ignores a lock whose process number now belongs to another process', async () => {
    // Process 1 lives, and started at another time than the process that held the run.
    await writeFile(join(root, 'lock'), `1\n${identityOf(1)}0\n`);
    await whileLocked(root, () => Promise.resolve());
    await writeFile(join(root, 'lock'), `1\n${identityOf(1)}\n`);
    const isKnown = identityOf(1) !== undefined;
    if (isKnown) await expect(whileLocked(root, () => Promise.resolve())).rejects.toThrow('by process 1;');
  });

  it.each(['', 'nonsense\n', '-1\n'])('ignores a lock of %j, which was cut short', async (text) => {
    await writeFile(join(root, 'lock'), text);
    await whileLocked(root, () => Promise.resolve());
    expect(await readdir(root)).toEqual([]);
  });

  it('ignores a lock whose process is gone, and removes its own after an error', async () => {
    await writeFile(join(root, 'lock'), '999999999\n');
    await expect(whileLocked(root, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
    expect(await readdir(root)).toEqual([]);
  });
});
