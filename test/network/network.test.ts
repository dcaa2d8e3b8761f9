/** Two machines with common keys, and processes with other keys or none. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { type Command, startCommand } from '../cluster/harness/command.ts';
import { loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { createMachines, type Machine, whyNoNamespaces } from './namespaces.ts';

const reason = whyNoNamespaces();
const title = reason === undefined ? 'two machines' : `two machines (skipped: ${reason})`;

describe.skipIf(reason !== undefined)(title, () => {
  it('train with keys to the result of one process, and refuse processes with other keys or none', {
    timeout: 180_000,
  }, async () => {
    const expected = await trainInOneProcess(await loadExperiment('cnn', { limitSamples: 950 }));
    const folder = await temporaryFolder();
    const [keys, others] = [join(folder, 'keys'), join(folder, 'others')];
    for (const out of [keys, others]) expect(await startCommand(['keys', '--out', out]).exited).toBe(0);

    const { machines, remove } = createMachines();
    onTestFinished(remove);
    const [first, second] = machines;
    const coordinator = startCoordinator(first, keys, folder);
    const { endpoint } = await coordinator.event('started');
    const startWorker = (machine: Machine, ...options: string[]): Command =>
      startCommand(['worker', '--join', `${endpoint}`, '--threads', '1', ...options], machine.inside);

    const keyless = startWorker(second);
    expect(await keyless.exited).toBe(3);
    expect(keyless.errors()).toMatch(
      /reachable from other machines, and there are no keys; run `lockstep keys`/,
    );

    const stranger = startWorker(second, '--keys', others);
    expect(await stranger.exited).toBe(3);
    expect(stranger.errors()).toMatch(/refused the handshake: its server key differs from ours/);

    const workers = [startWorker(first, '--keys', keys), startWorker(second, '--keys', keys)];
    expect(await coordinator.event('done')).toMatchObject({ fingerprint: expected.fingerprint });
    expect(await Promise.all([coordinator, ...workers].map(({ exited }) => exited))).toEqual([0, 0, 0]);
  });

  it('refuse to start without keys', async () => {
    const { machines, remove } = createMachines();
    onTestFinished(remove);
    const coordinator = startCoordinator(machines[0], undefined, await temporaryFolder());
    expect(await coordinator.exited).toBe(3);
    expect(coordinator.errors()).toMatch(/there are no keys; run `lockstep keys`/);
  });
});

function startCoordinator({ address, inside }: Machine, keys: string | undefined, runRoot: string): Command {
  const experiment = 'test/cluster/experiments/cnn.ts';
  const network = ['--bind', `tcp://${address}:0`, ...(keys === undefined ? [] : ['--keys', keys])];
  const run = ['--limit-samples', '950', '--workers-expected', '2', '--run-root', runRoot];
  return startCommand(['coordinator', experiment, ...network, ...run, '--json'], inside);
}
