import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { decodeWorkerMessage } from '@lockstep/protocol';
import { createControlServer } from '@lockstep/transport';
import { expect, it, onTestFinished } from 'vitest';

import { buildHash } from './build-hash.ts';

/** Threads load no TypeScript: this is the built one. */
const built = new URL('../dist/index.js', import.meta.url).href;

const program = `
  import { pino } from 'pino';
  import { runWorker } from ${JSON.stringify(built)};
  const [, join, bind, advertise] = process.argv;
  const onWaiting = (message) => process.stderr.write(message);
  const log = pino({ level: 'silent' });
  const aborting = new AbortController();
  if (bind === 'stay') process.on('SIGTERM', () => aborting.abort());
  else aborting.abort();
  const { signal } = aborting;
  const end = ({ reason, code }) => console.log(reason ?? code);
  await runWorker({ join, threads: 2, log, signal, onWaiting, ...(bind && bind !== 'stay' && { bind }), ...(advertise && { advertise }) }).then(end, end);
`;

/** Why a worker ended that was told to leave at once. Nothing may keep its process alive. */
async function lastWord(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child, 'close');
  return said.trim();
}

async function coordinatorEndpoint(): Promise<string> {
  const server = await createControlServer({ bind: 'tcp://127.0.0.1:0' });
  onTestFinished(() => server.close());
  return server.endpoint;
}

it('ends when it is told to leave before it has joined', async () => {
  expect(await lastWord(await coordinatorEndpoint())).toBe('left');
});

it('ends when its address cannot be bound', async () => {
  expect(await lastWord(await coordinatorEndpoint(), 'tcp://127.0.0.1')).toBe('address');
});

it('ends when its advertised address is none that peers could read', async () => {
  expect(await lastWord(await coordinatorEndpoint(), 'tcp://127.0.0.1:0', 'two words')).toBe('address');
});

/** A worker whose coordinator is not there; resolves when it says that it waits. */
async function waitingWorker(endpoint: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, endpoint, 'stay'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stderr, 'data');
  return { child, said: String(said) };
}

async function freeEndpoint(): Promise<string> {
  const server = await createControlServer({ bind: 'tcp://127.0.0.1:0' });
  await server.close();
  return server.endpoint;
}

it('waits for a coordinator that is started later, and says so', async () => {
  const endpoint = await freeEndpoint();
  const { child, said } = await waitingWorker(endpoint);
  expect(said).toBe(`waiting for the coordinator at ${endpoint}, for 300 s`);
  const hello = await new Promise<Uint8Array>((resolve, reject) => {
    createControlServer({ bind: endpoint }).then((server) => {
      onTestFinished(() => server.close());
      server.receive({ onMessage: (_identity, [head]) => resolve(head!) });
    }, reject);
  });
  expect(decodeWorkerMessage(hello)).toMatchObject({
    ok: true,
    message: { type: 'hello', build: buildHash() },
  });
  child.kill('SIGTERM');
  const [answer] = await once(child.stdout, 'data');
  expect(String(answer).trim()).toBe('left');
});

it('leaves at once when it is told to leave while it waits', async () => {
  const { child } = await waitingWorker(await freeEndpoint());
  child.kill('SIGTERM');
  const [answer] = await once(child.stdout, 'data');
  expect(String(answer).trim()).toBe('left');
});

it('ends at once when the address of the coordinator is not valid', async () => {
  expect(await lastWord('coordinator:7070')).toBe('address');
});
