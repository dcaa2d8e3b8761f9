import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { disk } from '@lockstep/files';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createRun, openRun, type Run, readLog, readManifest } from './run.ts';

let root: string;
const open: Run[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-runs-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((run) => run.close()));
  await rm(root, { recursive: true });
});

async function newRun(name = 'mnist'): Promise<Run> {
  const now = new Date('2026-11-22T23:30:00Z');
  const run = await createRun({ root, name, manifest: { seed: 1, batch: { size: 64 } }, now });
  open.push(run);
  return run;
}

async function reopen(folder: string): Promise<Run> {
  const run = await openRun(folder);
  open.push(run);
  return run;
}

describe('createRun', () => {
  it('makes a folder named by date and name, with the manifest in canonical order', async () => {
    const run = await newRun('my cnn/é');
    expect(basename(run.folder)).toMatch(/^2026-11-22-my-cnn-[0-9a-f]{4}$/);
    expect(await readFile(join(run.folder, 'manifest.json'), 'utf8')).toBe(
      '{\n  "batch": {\n    "size": 64\n  },\n  "seed": 1\n}\n',
    );
    expect(await readManifest(run.folder)).toEqual({ seed: 1, batch: { size: 64 } });
    expect(await readdir(run.folder)).not.toContain('.manifest.json.tmp');
  });

  it('gives every run a folder of its own', async () => {
    const runs = await Promise.all([newRun(), newRun(), newRun()]);
    expect(new Set(runs.map((run) => run.folder)).size).toBe(3);
  });

  it('writes the manifest after its other files', async () => {
    const files = { 'experiment.mjs': Buffer.from('export default 1;') };
    const run = await createRun({ root, name: 'x', manifest: {}, files });
    open.push(run);
    expect(await readFile(join(run.folder, 'experiment.mjs'), 'utf8')).toBe('export default 1;');
    // A file that cannot be written makes no run.
    const wrong = { 'no/such/folder': Buffer.from('') };
    await expect(createRun({ root, name: 'y', manifest: {}, files: wrong })).rejects.toMatchObject({
      code: 'file',
      facts: { errno: 'ENOENT' },
    });
    expect((await readdir(root)).filter((name) => name.includes('-y-'))).toEqual([]);
  });

  it('names the folder that cannot be made', async () => {
    await writeFile(join(root, 'file'), '');
    const inFile = join(root, 'file', 'runs');
    await expect(createRun({ root: inFile, name: 'x', manifest: {} })).rejects.toMatchObject({
      code: 'file',
      message: expect.stringContaining(
        `${inFile} cannot be written: a part of the path is no folder (ENOTDIR`,
      ),
    });
  });

  it('refuses a manifest that JSON cannot hold, and leaves no folder', async () => {
    await expect(createRun({ root, name: 'x', manifest: { rate: Number.NaN } })).rejects.toThrow(
      '$.rate is number NaN',
    );
    expect(await readdir(root)).toEqual([]);
  });
});

describe('Run', () => {
  it('adds facts to its manifest', async () => {
    const run = await newRun();
    await run.amend({ profile: 'fma' });
    expect(run.manifest).toEqual({ seed: 1, batch: { size: 64 }, profile: 'fma' });
    expect((await reopen(run.folder)).manifest).toEqual(run.manifest);
    await expect(run.amend({ rate: Number.NaN })).rejects.toThrow('$.rate is number NaN');
    expect(await readManifest(run.folder)).toEqual(run.manifest);
  });

  it('keeps the order and the precision of records', async () => {
    const run = await newRun();
    const metrics = [0.1, 1 / 3, 5e-324].map((loss, step) => ({ step, loss }));
    for (const record of metrics) run.appendMetrics(record);
    run.appendEvent({ kind: 'joined', worker: 'a' });
    await Promise.all([0, 1, 2, 3].map((generation) => run.journal({ generation })));
    expect(await readLog(run.folder, 'metrics')).toEqual({ records: metrics });
    expect(await readLog(run.folder, 'events')).toEqual({ records: [{ kind: 'joined', worker: 'a' }] });
    expect((await readLog(run.folder, 'journal')).records).toEqual(
      [0, 1, 2, 3].map((generation) => ({ generation })),
    );
  });

  it('shows a diverged loss', async () => {
    const run = await newRun();
    run.appendMetrics({ loss: Number.NaN, norm: Number.POSITIVE_INFINITY });
    expect((await readLog(run.folder, 'metrics')).records).toEqual([{ loss: 'NaN', norm: 'Infinity' }]);
  });

  it('refuses records after it was closed, and closes twice', async () => {
    const run = await newRun();
    const last = run.journal({ last: true });
    await run.close();
    await run.close();
    await last;
    expect(() => run.appendMetrics({})).toThrow('after it was closed');
    expect(() => run.appendEvent({})).toThrow('after it was closed');
    expect(() => run.journal({})).toThrow('after it was closed');
    expect((await readLog(run.folder, 'journal')).records).toEqual([{ last: true }]);
  });
});

describe('openRun', () => {
  it('continues the logs', async () => {
    const run = await newRun();
    run.appendMetrics({ step: 1 });
    await run.close();
    const again = await reopen(run.folder);
    expect(again.manifest).toEqual(run.manifest);
    expect(again.damaged).toEqual([]);
    again.appendMetrics({ step: 2 });
    expect((await readLog(run.folder, 'metrics')).records).toEqual([{ step: 1 }, { step: 2 }]);
  });

  it('reports a torn last line and writes the next record on a line of its own', async () => {
    const run = await newRun();
    await run.journal({ generation: 1, name: 'é' });
    await run.close();
    const path = join(run.folder, 'journal.jsonl');
    await appendFile(path, '{"generation":2,"na');
    const torn = { path, line: 2, text: '{"generation":2,"na' };
    expect(await readLog(run.folder, 'journal')).toEqual({ records: [{ generation: 1, name: 'é' }], torn });

    const again = await reopen(run.folder);
    expect(again.damaged).toEqual([torn]);
    await again.journal({ generation: 3 });
    expect(await readLog(run.folder, 'journal')).toEqual({
      records: [{ generation: 1, name: 'é' }, { generation: 3 }],
    });
  });

  it('takes a last line without its line feed as torn, even if it parses', async () => {
    const run = await newRun();
    await writeFile(join(run.folder, 'events.jsonl'), '{"a":1}');
    expect(await readLog(run.folder, 'events')).toMatchObject({
      records: [],
      torn: { line: 1, text: '{"a":1}' },
    });
  });

  it.each(['{"a":', '17', '', '\0\0\0'])('leaves the damaged line %j in the middle out', async (line) => {
    const run = await newRun();
    const path = join(run.folder, 'metrics.jsonl');
    await writeFile(path, `{"a":1}\n${line}\n{"a":3}\n`);
    const damaged = [{ path, line: 2, text: line }];
    expect(await readLog(run.folder, 'metrics')).toEqual({ records: [{ a: 1 }, { a: 3 }], damaged });
    expect((await reopen(run.folder)).damaged).toEqual(damaged);
  });

  it('removes files that a killed process did not finish', async () => {
    const run = await newRun();
    await writeFile(join(run.folder, '.manifest.json.tmp'), '{"se');
    await reopen(run.folder);
    expect(await readdir(run.folder)).not.toContain('.manifest.json.tmp');
  });

  it('refuses a folder that is not a run or has a damaged manifest', async () => {
    await expect(openRun(root)).rejects.toThrow(/manifest\.json: cannot be read .*name the folder of a run/);
    await writeFile(join(root, 'manifest.json'), '{"seed"');
    await expect(openRun(root)).rejects.toMatchObject({
      code: 'checkpoint',
      message: expect.stringContaining('put it back from a copy, or begin again with lockstep train'),
    });
  });
});

describe('a trial', () => {
  it('is written as any run, and can be gone on with', async () => {
    const trial = await createRun({ root, name: 'trial', manifest: { seed: 1 }, durability: 'trial' });
    expect(trial.durability).toBe('trial');
    await trial.journal({ type: 'started' });
    await Promise.all([trial.journal({ type: 'data' }), trial.journal({ type: 'done' })]);
    trial.appendMetrics({ step: 1 });
    await trial.amend({ profile: 'fma' });
    await trial.close();
    const again = await openRun(trial.folder);
    expect([again.durability, again.manifest]).toMatchObject(['full', { seed: 1, profile: 'fma' }]);
    await again.close();
    const { records } = await readLog(trial.folder, 'journal');
    expect(records.map(({ type }) => type)).toEqual(['started', 'data', 'done']);
  });

  it('does not wait for the disk', async () => {
    const durable = vi.spyOn(disk, 'syncFolder');
    onTestFinished(() => durable.mockRestore());
    await (await createRun({ root, name: 'trial', manifest: {}, durability: 'trial' })).close();
    expect(durable).not.toHaveBeenCalled();
    await (await createRun({ root, name: 'run', manifest: {} })).close();
    expect(durable).toHaveBeenCalled();
  });
});
