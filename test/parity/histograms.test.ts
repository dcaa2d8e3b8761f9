/** The histograms of a run are the same for any number of workers, after a loss and after an interrupt; diff and verify use threads. */
import { checkSeal, readHistograms } from '@lockstep/tracking';
import { expect, it, vi } from 'vitest';
import { type Command, startCommand } from '../cluster/harness/command.ts';
import { file, limits } from '../cluster/harness/command-run.ts';

// Each test runs several commands, one after the other.
vi.setConfig({ testTimeout: 180_000 });

const train = async (...places: readonly string[]): Promise<Command> =>
  startCommand(['train', file, '--histograms', ...places, ...(await limits())]);

/** What is in the file of a finished run. */
async function histogramsOf(run: unknown) {
  const { steps, damaged, torn } = await readHistograms(`${run}`);
  expect([damaged, torn]).toEqual([[], undefined]);
  const { state, findings, intact } = await checkSeal(`${run}`);
  expect([state, findings]).toEqual(['sealed', []]);
  expect(intact).toContain('histograms.jsonl');
  return steps;
}

it('one worker, and three of which the first is killed, then two after an interrupt: the same histograms', async () => {
  const one = await train('--workers', '1', '--threads', '2');
  const { run: whole } = await one.event('started');
  expect(await one.exited).toBe(0);
  const expected = await histogramsOf(whole);
  expect(expected.length).toBeGreaterThan(3);
  expect(Object.keys(expected[0]!.gradients)).toEqual(Object.keys(expected[0]!.params));

  const three = await train('--workers', '3');
  const { run } = await three.event('started');
  const { pid } = await three.event('joined');
  await three.event('checkpoint');
  process.kill(Number(pid), 'SIGKILL');
  await three.event('generation', 2);
  three.interrupt();
  await three.exited;
  const resumed = startCommand(['resume', `${run}`, '--workers', '2', '--json']);
  await resumed.event('done');
  expect(await resumed.exited).toBe(0);
  expect(await histogramsOf(run)).toEqual(expected);

  for (const threads of ['1', '2']) {
    const diff = startCommand(['diff', `${run}`, '--threads', threads, '--json']);
    expect(await diff.event('identical')).toEqual({ event: 'identical' });
    const verify = startCommand(['verify', `${run}`, '--fraction', '1', '--threads', threads, '--json']);
    expect(await verify.event('done')).toMatchObject({ verified: true, missed: 0 });
  }
});
