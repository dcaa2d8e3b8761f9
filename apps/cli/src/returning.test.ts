import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followReturning, placeOf } from './returning.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-place-'));
});
afterEach(() => rm(folder, { recursive: true }));

const here = hostname();
const endpoint = 'tcp://127.0.0.1:7070';
const started = {
  type: 'started',
  incarnation: 1,
  time: '',
  bind: 'tcp://127.0.0.1:0',
  endpoint,
  keys: false,
};
const generation = (...workers: readonly string[]) => ({
  type: 'generation',
  generation: 1,
  members: workers.map((worker) => ({ worker })),
});

async function write(name: 'journal' | 'events', ...records: readonly object[]): Promise<void> {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`);
  await writeFile(join(folder, `${name}.jsonl`), lines.join(''));
}

/** The number of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

describe('a run that is resumed', () => {
  it('listens at its previous address, or on a free port if it had one', async () => {
    await write('journal', started);
    expect(await placeOf(folder, {})).toEqual({
      ...{ bind: endpoint, otherwiseBind: 'tcp://127.0.0.1:0', returning: [], notices: [] },
    });
    await write('journal', started, { ...started, bind: endpoint });
    expect(await placeOf(folder, {})).not.toHaveProperty('otherwiseBind');
  });

  it('listens at the address that is given', async () => {
    await write('journal', started, generation('a'));
    const bind = 'tcp://127.0.0.1:9999';
    expect(await placeOf(folder, { bind })).toEqual({ bind, returning: [], notices: [] });
  });

  it('listens on a free port of this machine if no address is known', async () => {
    expect(await placeOf(folder, {})).toMatchObject({ bind: 'tcp://127.0.0.1:0', returning: [] });
    // A run of a release that did not record its address.
    await write('journal', { type: 'started', incarnation: 1, time: '' }, generation('a'));
    expect(await placeOf(folder, {})).toMatchObject({ bind: 'tcp://127.0.0.1:0', returning: [] });
  });

  it('needs its previous keys at its previous address', async () => {
    await write('journal', { ...started, keys: true });
    await expect(placeOf(folder, {})).rejects.toMatchObject({
      code: 'credentials',
      message: expect.stringContaining(
        'name their folder with --keys, or go on without these workers with --bind',
      ),
    });
    expect(await placeOf(folder, { keys: 'keys' })).toMatchObject({ bind: endpoint });
    expect(await placeOf(folder, { bind: 'tcp://127.0.0.1:0' })).toMatchObject({ bind: 'tcp://127.0.0.1:0' });
  });

  it('waits for members of its last generation that may live', async () => {
    await write('journal', started, generation('x', 'a'), generation('a', 'b', 'c'));
    const joined = (worker: string, host: string, pid: number) => ({ type: 'joined', worker, host, pid });
    await write(
      'events',
      joined('a', here, process.pid),
      joined('b', here, await deadPid()),
      joined('c', 'elsewhere', await deadPid()),
    );
    const { returning, notices } = await placeOf(folder, {});
    expect(returning).toEqual([
      { worker: 'a', pid: process.pid },
      { worker: 'c', pid: undefined },
    ]);
    expect(notices).toMatchObject([
      { type: 'expecting', message: expect.stringMatching(/^waiting up to 10 s for 2 earlier workers, /) },
    ]);
  });

  it.each(['finished', 'interrupted', 'failed'])('waits for no worker after it had %s', async (reason) => {
    await write('journal', started, generation('a'), { type: 'done', reason, step: 3 });
    expect((await placeOf(folder, {})).returning).toEqual([]);
  });

  it('stops waiting for a worker of this machine that ends', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const absent = new Promise<string>((resolve) => {
      const stop = followReturning({ absent: (worker) => resolve(worker) }, [
        { worker: 'far', pid: undefined },
        { worker: 'near', pid: child.pid },
      ]);
      child.once('exit', () => void absent.then(stop));
    });
    child.stdin.end();
    expect(await absent).toBe('near');
  });
});
