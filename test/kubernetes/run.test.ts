/**
 * The command lines of the manifests as processes of this machine: a run whose coordinator is stopped as a drain stops it, and started
 * again as the Job starts it. Addresses and folders are those of this machine, as there is no cluster.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { generateKeys, writeKeys } from '@lockstep/transport';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Workload, workloadsOf } from './checks/workloads.ts';
import { build } from './kustomize.ts';

const launcher = fileURLToPath(new URL('../../apps/cli/bin/lockstep.mjs', import.meta.url));
const overlay = fileURLToPath(new URL('../../deploy/kubernetes/overlays/own-experiment', import.meta.url));
const workloads = workloadsOf(build(overlay));
const partOf = (wanted: Workload['role']): Workload => workloads.find(({ role }) => role === wanted)!;
/** So long that the run goes on when it is stopped. */
const length = ['--epochs=500', '--json'];

let folder = '';
const children = new Set<ChildProcess>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-kubernetes-'));
  await writeKeys(join(folder, 'keys'), generateKeys());
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  /** Resolves with the exit code. */
  readonly code: Promise<number | null>;
  readonly lines: AsyncIterable<string>;
  /** What it has written beside its events. */
  readonly said: string[];
}

function start(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(process.execPath, [launcher, ...args], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  child.stderr!.on('data', (text: Buffer) => said.push(String(text)));
  children.add(child);
  const code = once(child, 'exit').then(([exitCode]) => {
    children.delete(child);
    return exitCode as number | null;
  });
  return { child, code, said, lines: createInterface({ input: child.stdout! }) };
}

/** The arguments of a container, with the folders and addresses of this machine. */
function argsOf(role: Workload['role'], port: number): string[] {
  const here: readonly [string, string][] = [
    ['/keys', join(folder, 'keys')],
    ['/runs', join(folder, 'runs')],
    ['=7070', `=${port}`],
    ['lockstep-coordinator:7070', `127.0.0.1:${port}`],
    ['0.0.0.0:7071', '0.0.0.0:0'],
    ['0.0.0.0:8080', '127.0.0.1:0'],
    ['experiments/own/', `${overlay}/`],
    ['$(THREADS)', '1'],
  ];
  const words: string[] = partOf(role).container.args;
  return words.map((word) => here.reduce((text, [there, local]) => text.replace(there, local), word));
}

const startCoordinator = (port: number): Started => start([...argsOf('coordinator', port), ...length]);
const startWorkers = (port: number): Started[] =>
  ['0', '1'].map((index) => start(argsOf('worker', port), { JOB_COMPLETION_INDEX: index }));
const codesOf = (started: readonly Started[]) => Promise.all(started.map(({ code }) => code));

/** Reads events until one has this name. */
async function eventOf({ lines, said }: Started, wanted: string): Promise<Record<string, unknown>> {
  for await (const line of lines) {
    const event = JSON.parse(line);
    if (event.event === wanted) return event;
  }
  throw new Error(`the process ended without ${wanted}: ${said.join('')}`);
}

it('a drained coordinator and its workers ask to be started again, and go on to the same bytes', async () => {
  const port = 20_000 + (process.pid % 10_000);
  const [coordinator, workers] = [startCoordinator(port), startWorkers(port)];
  await eventOf(coordinator, 'generation');
  coordinator.child.kill('SIGTERM');
  expect(await codesOf([coordinator, ...workers])).toEqual([75, 75, 75]);

  const [next, nextWorkers] = [startCoordinator(port), startWorkers(port)];
  const done = await eventOf(next, 'done');
  expect(await codesOf([next, ...nextWorkers])).toEqual([0, 0, 0]);

  const alone = start([
    ...['train', join(overlay, 'experiment.ts'), '--seed=7', '--epochs=500', '--json'],
    `--run-root=${join(folder, 'alone')}`,
  ]);
  expect((await eventOf(alone, 'done')).fingerprint).toBe(done.fingerprint);
  expect(String(done.run)).toMatch(/own-experiment$/);
});
