import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeExit, type LocalWorkers, startLocalWorkers, type WorkerExit } from './local-workers.ts';

let logFolder: string;
beforeEach(async () => {
  logFolder = await mkdtemp(join(tmpdir(), 'lockstep-workers-'));
});
afterEach(() => rm(logFolder, { recursive: true }));

/** Workers of the fixture: 1 ends at once, 2 ends when its input closes, 3 never ends by itself. */
function start(behaviour: number, count: number): { workers: LocalWorkers; exits: WorkerExit[] } {
  const exits: WorkerExit[] = [];
  const workers = startLocalWorkers({
    count,
    threads: behaviour,
    endpoint: 'tcp://127.0.0.1:1',
    keysFolder: undefined,
    logFolder,
    entry: new URL('./fixtures/fake-worker.mjs', import.meta.url),
    onExit: (exit) => exits.push(exit),
  });
  return { workers, exits };
}

describe('local workers', () => {
  it('end when their input closes', async () => {
    const { workers, exits } = start(2, 2);
    expect(workers.numAlive()).toBe(2);
    await workers.stop(30_000);
    expect(workers.numAlive()).toBe(0);
    expect(exits.map(({ code, signal }) => ({ code, signal }))).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  });

  it('are killed if they do not end', async () => {
    const { workers, exits } = start(3, 1);
    await workers.stop(0);
    expect(exits).toMatchObject([{ index: 0, code: null, signal: 'SIGKILL' }]);
  });

  it('report their last lines, and write the whole log to a file', async () => {
    const exits = await new Promise<WorkerExit[]>((resolve) => {
      const started: WorkerExit[] = [];
      startLocalWorkers({
        count: 1,
        threads: 1,
        endpoint: 'tcp://127.0.0.1:1',
        keysFolder: undefined,
        logFolder,
        entry: new URL('./fixtures/fake-worker.mjs', import.meta.url),
        onExit: (exit) => resolve([...started, exit]),
      });
    });
    expect(describeExit(exits[0]!)).toBe(
      'worker 0 ended with exit code 3\n    the keys are wrong\n    a line of its own',
    );
    expect((await readFile(join(logFolder, 'worker-0.log'), 'utf8')).split('\n')).toHaveLength(4);
  });
});

it.each([
  [{ code: null, signal: 'SIGKILL' as const }, 'worker 3 was killed by SIGKILL'],
  [{ code: null, signal: null }, 'worker 3 could not be started'],
  [{ code: 1, signal: null }, 'worker 3 ended with exit code 1'],
])('describes %j', (how, text) => {
  expect(describeExit({ index: 3, pid: 1, tail: [], ...how })).toBe(text);
});
