import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogRecord } from './lines.ts';
import { LogTail } from './log-tail.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-tail-'));
  path = join(folder, 'log.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

async function read(tail: LogTail) {
  const records: LogRecord[] = [];
  return { change: await tail.read((record) => void records.push(record)), records };
}

describe('LogTail', () => {
  it('passes on lines once, when they are whole', async () => {
    const tail = new LogTail(path);
    expect(await read(tail)).toEqual({ change: 'same', records: [] });
    await writeFile(path, '{"a":1}\n{"a":2}\n{"a"');
    expect(await read(tail)).toEqual({ change: 'grown', records: [{ a: 1 }, { a: 2 }] });
    expect(await read(tail)).toEqual({ change: 'same', records: [] });
    await appendFile(path, ':3}');
    expect(await read(tail)).toEqual({ change: 'same', records: [] });
    await appendFile(path, '\n');
    expect(await read(tail)).toEqual({ change: 'grown', records: [{ a: 3 }] });
  });

  it('reads long lines, many lines, and characters of several bytes at the edges of pieces', async () => {
    const records = Array.from({ length: 3_000 }, (_, i) => ({ i, text: '→é'.repeat(i % 97) }));
    const long = { text: 'ü'.repeat(300_000) };
    await writeFile(
      path,
      [...records, long, { last: true }].map((one) => `${JSON.stringify(one)}\n`).join(''),
    );
    const { records: found } = await read(new LogTail(path));
    expect(found).toEqual([...records, long, { last: true }]);
  });

  it('counts lines that are no records', async () => {
    await writeFile(path, '{"a":1}\n{"a\n[1]\n\n{"a":2}\n');
    const tail = new LogTail(path);
    expect((await read(tail)).records).toEqual([{ a: 1 }, { a: 2 }]);
    expect(tail.numDamaged).toBe(3);
  });

  it('says that a file was cut back or replaced, and begins again', async () => {
    const tail = new LogTail(path);
    await writeFile(path, '{"a":1}\n{"a":2}\n');
    await read(tail);
    await truncate(path, 8);
    expect(await read(tail)).toEqual({ change: 'replaced', records: [] });
    expect(await read(tail)).toEqual({ change: 'grown', records: [{ a: 1 }] });
    await rm(path);
    expect((await read(tail)).change).toBe('replaced');
    expect((await read(tail)).change).toBe('same');
  });

  it('goes on after a torn line was removed', async () => {
    const tail = new LogTail(path);
    await writeFile(path, '{"a":1}\n{"b');
    await read(tail);
    await truncate(path, 8);
    expect((await read(tail)).change).toBe('same');
    await appendFile(path, '{"a":2}\n');
    expect((await read(tail)).records).toEqual([{ a: 2 }]);
  });
});
