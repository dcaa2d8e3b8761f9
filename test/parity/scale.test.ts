/** A scale finds the same on any number of workers, and when it is stopped and goes on. */
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { startCommand } from '../cluster/harness/command.ts';

interface Row {
  readonly axis: string;
  readonly batchSize: number;
  readonly workers?: number;
  readonly fingerprint?: string;
  readonly [name: string]: unknown;
}

const file = 'test/cluster/experiments/rated.ts';
const asked = ['--batch', '8,16', '--seeds', '2', '--epochs', '3', '--branch-at', '1', '--worker-steps', '6'];

const scale = async (workers: string) => {
  const root = await temporaryFolder();
  return startCommand(['scale', file, ...asked, '--workers', workers, '--scale-root', root, '--json']);
};

/** Without times and folders. */
const decided = (rows: readonly Row[]): readonly unknown[] =>
  rows
    .filter(({ axis }) => axis !== 'workers')
    .map((row) =>
      JSON.parse(JSON.stringify(row, (key, value: unknown) => (key === 'run' ? undefined : value))),
    );

it('has the rows and fingerprints of one worker on two, and after a Ctrl-C', async () => {
  const alone = await scale('1');
  const one = await alone.event('done');
  expect(await alone.exited).toBe(0);

  const pair = await scale('1,2');
  const { scale: folder } = await pair.event('started');
  await pair.event('worker', 2);
  pair.interrupt();
  expect(await pair.event('interrupted')).toMatchObject({ scale: folder });
  expect(await pair.exited).toBe(130);
  const resumed = startCommand(['scale', '--resume', `${folder}`, '--json']);
  const two = await resumed.event('done');
  expect(await resumed.exited).toBe(0);

  const [rowsOfOne, rowsOfTwo] = [one.rows, two.rows] as [readonly Row[], readonly Row[]];
  expect(decided(rowsOfTwo)).toEqual(decided(rowsOfOne));
  expect(decided(rowsOfOne).map((row) => (row as Row).axis)).toEqual(
    expect.arrayContaining(['batch', 'noise', 'critical']),
  );
  const measured = rowsOfTwo.filter(({ axis }) => axis === 'workers');
  expect(measured.map(({ batchSize, workers }) => [batchSize, workers])).toEqual([
    [8, 1],
    [8, 2],
    [16, 1],
    [16, 2],
  ]);
  const fingerprints = two.fingerprints as Readonly<Record<string, string>>;
  for (const { batchSize, fingerprint } of measured) expect(fingerprint).toBe(fingerprints[batchSize]);
  expect(fingerprints).toEqual(one.fingerprints);
  expect(two.recommendation).toMatch(/^Use a batch of \d+ on \d workers?: /);
}, 180_000);
