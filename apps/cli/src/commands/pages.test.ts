import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../cli.ts';
import { recordingTerminal } from '../fixtures/recording.ts';

let root: string;
let run: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-pages-'));
  run = join(root, '2026-11-30-digits-00aa');
  await mkdir(run);
  const config = { seed: 1, batchSize: 32, numShards: 8 };
  await writeFile(join(run, 'manifest.json'), JSON.stringify({ schemaVersion: 2, name: 'digits', config }));
  await writeFile(
    join(run, 'metrics.jsonl'),
    [1, 2, 3]
      .map((step) => `${JSON.stringify({ kind: 'step', step, metrics: { loss: 1 / step } })}\n`)
      .join(''),
  );
});
afterEach(() => rm(root, { recursive: true }));

async function start(argv: readonly string[]) {
  const terminal = recordingTerminal();
  const code = await runCommandLine(argv, terminal);
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

/** Waits until the command has written what the pattern finds. */
async function written(terminal: ReturnType<typeof recordingTerminal>, pattern: RegExp): Promise<string> {
  for (;;) {
    const found = pattern.exec(terminal.out.text() + terminal.err.text());
    if (found !== null) return found[1]!;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('report', () => {
  it('writes one file', async () => {
    const out = join(root, 'report.html');
    const { code, out: said } = await start(['report', run, '--out', out]);
    expect([code, said]).toEqual([0, expect.stringMatching(/report\.html {2}1 run, \d+ KiB\n$/)]);
    const html = await readFile(out, 'utf8');
    expect(html.startsWith('<!doctype html>')).toBe(true);
    const json = await start(['report', root, '--out', out, '--json']);
    expect(JSON.parse(json.out)).toEqual({ written: out, runs: 1, bytes: expect.any(Number) });
  });

  it('names what is wrong', async () => {
    const other = await start(['report', run, '--out', join(root, 'report.pdf')]);
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('must end in .html')]);
    const nothing = await start(['report', join(root, 'none')]);
    expect([nothing.code, nothing.err]).toEqual([2, expect.stringContaining('does not exist')]);
  });
});

describe('view', () => {
  it('serves runs until it is interrupted', async () => {
    const terminal = recordingTerminal();
    const code = runCommandLine(['view', root], terminal);
    const address = await written(terminal, /(http:\S+)\n/);
    const page = await fetch(address);
    expect(await page.text()).toContain('<script type="module" src="page.js">');
    expect((await fetch(new URL('data', address))).headers.get('content-type')).toBe(
      'application/octet-stream',
    );
    process.emit('SIGINT');
    expect(await code).toBe(0);
    await expect(fetch(address)).rejects.toThrow();
  });

  it('makes a token where others reach the address', async () => {
    const terminal = recordingTerminal();
    const code = runCommandLine(['view', root, '--bind', '0.0.0.0', '--json'], terminal);
    const address = await written(terminal, /"address":"(http:[^"]+)"/);
    expect(address).toMatch(/^http:\/\/localhost:\d+\/\?token=[\w-]{24}$/);
    expect((await fetch(new URL('/data', address))).status).toBe(401);
    const visit = await fetch(address, { redirect: 'manual' });
    expect([visit.status, visit.headers.get('location')]).toEqual([303, '/']);
    process.emit('SIGTERM');
    expect(await code).toBe(0);
  });

  it('refuses a folder that is not there', async () => {
    const { code, err } = await start(['view', join(root, 'none')]);
    expect([code, err]).toEqual([2, expect.stringContaining('does not exist; name a run')]);
  });
});
