/** A sweep has one table: for any number of workers, and when its process is killed and another goes on. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { type Command, startCommand } from '../cluster/harness/command.ts';

const file = 'test/cluster/experiments/rated-sweep.ts';

const halvingFile = 'test/cluster/experiments/rated-halving-sweep.ts';

async function begin(workers: number, sweep = file): Promise<Command> {
  const root = await temporaryFolder();
  return startCommand(['sweep', sweep, '--workers', `${workers}`, '--sweep-root', root, '--json']);
}

it('gives one table with one worker, with two, and after a kill and a Ctrl-C', async () => {
  const alone = await begin(1);
  const { tableSha256, best, trials, sweep } = await alone.event('done');
  expect(await alone.exited).toBe(0);
  expect(trials).toBe(10);
  const lines = readFileSync(join(`${sweep}`, 'table.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const statuses = lines.map((line) => (JSON.parse(line) as { readonly status: string }).status);
  expect(new Set(statuses)).toEqual(new Set(['complete', 'failed']));

  const pair = await begin(2);
  expect(await pair.event('done')).toMatchObject({ tableSha256, best, trials });

  const killed = await begin(2);
  const { sweep: unfinished } = await killed.event('started');
  await killed.event('trial', 2);
  killed.kill();
  expect(await killed.exited).toBeNull();

  const interrupted = startCommand(['sweep', '--resume', `${unfinished}`, '--workers', '2', '--json']);
  const { numRecorded } = await interrupted.event('started');
  expect(numRecorded).toBeGreaterThanOrEqual(2);
  await interrupted.event('trial', 2);
  interrupted.interrupt();
  expect(await interrupted.event('interrupted')).toMatchObject({ sweep: unfinished });
  expect(await interrupted.exited).toBe(130);

  const resumed = startCommand(['sweep', '--resume', `${unfinished}`, '--workers', '1', '--json']);
  expect(await resumed.event('done')).toMatchObject({ tableSha256, best, trials, sweep: unfinished });
  const again = startCommand(['sweep', '--resume', `${unfinished}`, '--workers', '1', '--json']);
  expect(await again.event('done')).toMatchObject({ tableSha256, best, trials });
}, 180_000);

/** Ends the local workers of a sweep without a word. */
function killWorkers({ pid }: Command, count: number): void {
  const workers = execFileSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
    .slice(0, count);
  for (const worker of workers) process.kill(Number(worker), 'SIGKILL');
}

/** The command line that trains a trial's run in one go, and what the run came to. */
function readRun(folder: string) {
  const { command } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    readonly command: readonly string[];
  };
  const events = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n');
  const last = JSON.parse(events.at(-1)!) as { readonly ending: Readonly<Record<string, unknown>> };
  const { steps, fingerprint, chain, metrics } = last.ending;
  return { command, ending: { steps, fingerprint, chain, metrics } };
}

it('stops the same trials at rungs on any pool, with workers that are killed, and when it is killed twice', async () => {
  const alone = await begin(1, halvingFile);
  const { tableSha256, best, trials, sweep } = await alone.event('done');
  expect(await alone.exited).toBe(0);
  const lines = readFileSync(join(`${sweep}`, 'table.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const statuses = lines.map((line) => (JSON.parse(line) as { readonly status: string }).status);
  expect(statuses.toSorted()).toEqual(['complete', ...Array(2).fill('failed'), ...Array(9).fill('pruned')]);

  const { trial } = best as { readonly trial: number };
  const [winner] = readdirSync(join(`${sweep}`, 'runs')).filter((name) =>
    name.includes(`trial-000${trial}-`),
  );
  const { command, ending } = readRun(join(`${sweep}`, 'runs', winner!));
  const whole = startCommand([...command, '--run-root', await temporaryFolder(), '--json']);
  expect(await whole.event('done')).toMatchObject(ending);

  const four = await begin(4, halvingFile);
  await four.event('begun', 6);
  killWorkers(four, 2);
  await four.event('trial', 5);
  killWorkers(four, 1);
  expect(await four.event('done')).toMatchObject({ tableSha256, best, trials });

  const first = await begin(2, halvingFile);
  const { sweep: unfinished } = await first.event('started');
  await first.event('begun', 9);
  first.kill();
  await first.exited;
  const resume = (workers: number): Command =>
    startCommand(['sweep', '--resume', `${unfinished}`, '--workers', `${workers}`, '--json']);
  const second = resume(4);
  await second.event('trial', 3);
  second.kill();
  await second.exited;
  const third = resume(2);
  expect(await third.event('done')).toMatchObject({ tableSha256, best, trials, sweep: unfinished });
  expect(
    readFileSync(join(`${unfinished}`, 'table.jsonl'), 'utf8')
      .trim()
      .split('\n'),
  ).toEqual(lines);
}, 240_000);
