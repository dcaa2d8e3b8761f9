import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createControlServer } from '@lockstep/transport';
import { expect, it, onTestFinished } from 'vitest';

/** Threads load no TypeScript: this is the built one. */
const built = new URL('../dist/index.js', import.meta.url).href;

const program = `
  import { pino } from 'pino';
  import { runWorker } from ${JSON.stringify(built)};
  const [, join, bind, advertise] = process.argv;
  const log = pino({ level: 'silent' });
  const signal = AbortSignal.abort();
  const end = ({ reason, code }) => console.log(reason ?? code);
  await runWorker({ join, threads: 2, log, signal, ...(bind && { bind }), ...(advertise && { advertise }) }).then(end, end);
`;

/** What a worker that is told to leave at once says of its end; nothing may keep its process alive. */
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
  const server = await createControlServer({ bind: 'tcp://127.0.0.1:0', onMessage: () => {} });
  onTestFinished(() => server.close());
  return server.endpoint;
}

it('ends when it is told to leave before it has joined', async () => {
  expect(await lastWord(await coordinatorEndpoint())).toBe('left');
});

it('ends when its address cannot be bound', async () => {
  expect(await lastWord(await coordinatorEndpoint(), 'tcp://127.0.0.1')).toBe('address');
});

it('ends when peers could not read the address that it is to tell them', async () => {
  expect(await lastWord(await coordinatorEndpoint(), 'tcp://127.0.0.1:0', 'two words')).toBe('address');
});
