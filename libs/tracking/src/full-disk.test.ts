/** Runs on a file system of 64 KiB, on machines where this process may mount one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createRun, openRun, type Run, readLog } from './run.ts';
import { readStepRecord } from './step-record/reader.ts';
import type { RecordForm } from './step-record/types.ts';
import { openStepRecord } from './step-record/writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'lockstep-full-'));
const isMounted = mount();
afterAll(() => {
  if (isMounted) execFileSync('umount', [folder]);
  rmdirSync(folder);
});

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const filler = join(folder, 'filler');

/** Fills the disk. */
function fill(): void {
  for (let pages = 16; pages > 0; pages--) {
    try {
      writeFileSync(filler, new Uint8Array(4096 * pages));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

describe.runIf(isMounted)('a run on a full disk', () => {
  let run: Run;
  afterEach(async () => {
    await run.close();
    rmSync(filler, { force: true });
    rmSync(run.folder, { recursive: true });
  });

  it('goes on without metrics, tells which are missing, and writes again when there is room', async () => {
    run = await createRun({ root: folder, name: 'x', manifest: {} });
    const record = (step: number) => ({ step, text: 'x'.repeat(500) });
    let step = 1;
    for (; run.appendMetrics(record(step)); step++) if (step === 3) fill();
    expect(step).toBeGreaterThan(3);
    const first = step;
    for (; step < first + 5; step++) expect(run.appendMetrics(record(step))).toBe(false);
    const path = join(run.folder, 'metrics.jsonl');
    expect(run.gaps()).toEqual([
      {
        path,
        numLost: 6,
        steps: [first, first + 4],
        error: expect.objectContaining({ code: 'file', facts: { path, errno: 'ENOSPC', freeBytes: 0 } }),
      },
    ]);
    rmSync(filler);
    expect(run.appendMetrics({ step: 99 })).toBe(true);
    const { records, ...rest } = await readLog(run.folder, 'metrics');
    expect(rest).toEqual({});
    expect(records.map((one) => one.step)).toEqual([
      ...Array.from({ length: first - 1 }, (_, i) => i + 1),
      99,
    ]);
  });

  it('goes on without its step record, tells which steps are missing, and writes again when there is room', async () => {
    run = await createRun({ root: folder, name: 'x', manifest: {} });
    const names: RecordForm = { exchanges: [], replica: Array.from({ length: 60 }, (_, i) => `param ${i}`) };
    const { writer } = await openStepRecord(run.folder);
    const form = 7;
    writer!.addForm(form, names);
    const member = { generation: 1, worker: 'w', rank: 0, shards: { start: 0, count: 1 }, blocks: [], form };
    const append = (step: number): boolean =>
      writer!.append({ ...member, step, own: new Uint8Array(0), replicated: new Uint8Array(480).fill(step) });
    let step = 1;
    for (; append(step); step++) if (step === 3) fill();
    expect(step).toBeGreaterThan(3);
    expect(append(step + 1)).toBe(false);
    expect(writer!.gap()).toMatchObject({ numLost: 2, steps: [step, step + 1] });
    rmSync(filler);
    expect(append(99)).toBe(true);
    writer!.close();
    const { steps, damaged } = (await readStepRecord(run.folder))!;
    expect(damaged).toEqual([]);
    expect(steps.map((one) => one.step)).toEqual([...Array.from({ length: step - 1 }, (_, i) => i + 1), 99]);
  });

  it('fails its journal and every later entry with the path', async () => {
    run = await createRun({ root: folder, name: 'x', manifest: {} });
    await run.journal({ type: 'started' });
    fill();
    const failed = expect.objectContaining({
      code: 'file',
      message: expect.stringContaining(
        'journal.jsonl cannot be written: no space is left on the device (ENOSPC',
      ),
    });
    const entry = { text: 'x'.repeat(5000) };
    await expect(run.journal(entry)).rejects.toEqual(failed);
    rmSync(filler);
    await expect(run.journal({ type: 'done' })).rejects.toEqual(failed);
    await run.close();
    const again = await openRun(run.folder);
    expect(again.damaged).toHaveLength(1);
    await again.journal({ type: 'started' });
    await again.close();
    expect((await readLog(run.folder, 'journal')).records).toEqual([
      { type: 'started' },
      { type: 'started' },
    ]);
  });

  it('is not made, and leaves no folder', async () => {
    run = await createRun({ root: folder, name: 'x', manifest: {} });
    fill();
    const manifest = { text: 'x'.repeat(5000) };
    await expect(createRun({ root: folder, name: 'y', manifest })).rejects.toMatchObject({ code: 'file' });
    expect(readdirSync(folder).filter((name) => name.includes('-y-'))).toEqual([]);
  });
});
