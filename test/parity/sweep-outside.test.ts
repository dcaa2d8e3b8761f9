/** A sweep whose workers come from outside, of which a trial is cancelled and to which trials are added, has one table too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { startCommand } from '../cluster/harness/command.ts';

const file = 'test/cluster/experiments/rated-sweep.ts';

async function begin(workers: number) {
  const root = await temporaryFolder();
  const command = startCommand([
    ...['sweep', file, '--workers', `${workers}`, '--bind', 'tcp://127.0.0.1:0'],
    ...['--sweep-root', root, '--json'],
  ]);
  const { sweep, endpoint } = await command.event('started');
  return { command, sweep: `${sweep}`, endpoint: `${endpoint}` };
}

const resume = (sweep: string, ...options: readonly string[]) =>
  startCommand(['sweep', '--resume', sweep, '--json', ...options]);

async function cancel(sweep: string, trial: number): Promise<void> {
  const command = startCommand(['sweep', 'cancel', sweep, '--trial', `${trial}`, '--json']);
  await command.event('cancelled');
}

const linesOf = (sweep: string): readonly string[] =>
  readFileSync(join(sweep, 'table.jsonl'), 'utf8').trim().split('\n');

it('trains on workers that join, which find it again after a kill', async () => {
  const outside = await begin(0);
  await cancel(outside.sweep, 3);
  const join = ['worker', '--join', outside.endpoint, '--threads', '1'];
  const workers = [startCommand(join), startCommand(join)];
  await outside.command.event('trial', 2);
  outside.command.kill();
  await outside.command.exited;
  const again = resume(outside.sweep, '--workers', '0');
  expect(await again.event('started')).toMatchObject({ endpoint: outside.endpoint });
  const done = await again.event('done');
  for (const worker of workers) expect(await worker.exited).toBe(0);
  expect(linesOf(outside.sweep).map((line) => JSON.parse(line).status)).toContain('cancelled');

  const local = await begin(1);
  local.command.kill();
  await local.command.exited;
  await cancel(local.sweep, 3);
  const { tableSha256, best, trials } = done;
  expect(await resume(local.sweep, '--workers', '2').event('done')).toMatchObject({
    ...{ tableSha256, best, trials },
  });

  const shorter = linesOf(local.sweep);
  const longer = await resume(local.sweep, '--trials', '13', '--workers', '2').event('done');
  expect(longer.trials).toBe(13);
  expect(linesOf(local.sweep).slice(0, shorter.length)).toEqual(shorter);
  expect(await resume(outside.sweep, '--trials', '13', '--workers', '1').event('done')).toMatchObject({
    tableSha256: longer.tableSha256,
  });
}, 240_000);
