/** Recorded runs are computed again, and gone on from with other settings, on any number of workers. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { type JsonEvent, startCommand } from '../cluster/harness/command.ts';
import { train } from '../cluster/harness/command-run.ts';

// Each test runs seven commands or more, one after the other.
vi.setConfig({ testTimeout: 180_000 });

/** Runs a command to its end; gives its last line. */
async function ended(
  ...argv: string[]
): Promise<{ code: number | null; done: JsonEvent; started: JsonEvent }> {
  const command = startCommand([...argv, '--json']);
  const started = await command.event('started');
  const done = await command.event('done');
  return { code: await command.exited, done, started };
}

it('a run of three workers, one of which was killed, is the same on other numbers of workers and threads', async () => {
  const command = await train();
  const { run } = await command.event('started');
  const { pid } = await command.event('joined', 2);
  await command.event('checkpoint');
  process.kill(Number(pid), 'SIGKILL');
  await command.event('generation', 2);
  expect(await command.exited).toBe(0);
  for (const places of [
    ['--workers', '1', '--threads', '2'],
    ['--workers', '2', '--threads', '3'],
  ]) {
    const { code, done, started } = await ended('replay', `${run}`, ...places);
    expect({ code, done }).toMatchObject({ code: 0, done: { identical: true, steps: 200, evaluations: 21 } });
    expect(existsSync(`${started.run}`)).toBe(false);
  }

  const part = await ended('replay', `${run}`, '--from', '170', '--until', '175', '--workers', '2');
  expect(part.done).toMatchObject({ identical: true, from: 160, to: 175, steps: 15 });

  const interrupted = startCommand(['replay', `${run}`, '--json']);
  const { run: folder } = await interrupted.event('started');
  await interrupted.event('step');
  interrupted.interrupt();
  expect(await interrupted.exited).toBe(130);
  expect(existsSync(`${folder}`)).toBe(false);

  const metrics = join(`${run}`, 'metrics.jsonl');
  const altered = (await readFile(metrics, 'utf8')).replaceAll(
    /("kind":"step","step":37,.*?"loss":)[\d.]+/g,
    '$10.25',
  );
  await writeFile(metrics, altered);
  const { code, done } = await ended('replay', `${run}`, '--workers', '2');
  expect({ code, done }).toMatchObject({
    code: 7,
    done: { identical: false, steps: 36, step: 37, what: 'loss', recorded: 0.25 },
  });
});

it('a branch on one or two workers is the run whose rate changes at its step, byte for byte', async () => {
  const file = 'test/cluster/experiments/changing.ts';
  const root = await temporaryFolder();
  const common = ['--run-root', root, '--fingerprint-every', '3', '--checkpoint-every', '5'];
  const { done: parent } = await ended('train', file, '--set', 'at=99', ...common, '--workers', '2');
  const change = ['at=13', 'later=0.01'].flatMap((one) => ['--set', one]);
  const { done: changing } = await ended('train', file, ...change, ...common);
  const stateOf = async ({ run }: JsonEvent) => {
    const { step, tensors, header } = (await loadCheckpoint(checkpointFolder(`${run}`)))!;
    return { step, tensors, progress: header.progress };
  };
  const expected = await stateOf(changing);
  expect(expected.step).toBe(24);
  for (const workers of ['1', '2']) {
    const { done } = await ended(
      ...['branch', `${parent.run}`, '--step', '13', '--set', 'rate=0.01', '--workers', workers],
    );
    expect(await stateOf(done)).toEqual(expected);
    const replayed = await ended('replay', `${done.run}`, '--workers', '2');
    expect(replayed.done).toMatchObject({ identical: true, from: 13, steps: 11 });
  }
});
