import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { LockstepError } from '@lockstep/errors';
import { afterEach, describe, expect, it } from 'vitest';
import { createInbox } from './fixtures/inbox.ts';
import { openSlowLine } from './fixtures/slow-line.ts';
import { generateKeys } from './keys.ts';
import { createMesh, type MeshOptions } from './mesh.ts';
import type { Refusal } from './zap.ts';

const bind = 'tcp://127.0.0.1:0';
const open: { close(): Promise<void> }[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function member(identity: string, options: Partial<MeshOptions> = {}) {
  const inbox = createInbox<{ peerId: string; frames: Buffer[] }>();
  const lost = createInbox<{ peerId: string; error: LockstepError }>();
  const mesh = await createMesh({
    identity,
    bind,
    onMessage: (peerId, frames) => inbox.put({ peerId, frames }),
    onPeerLost: (peerId, error) => lost.put({ peerId, error }),
    ...options,
  });
  open.push(mesh);
  return { ...mesh, inbox, lost };
}

const script = new URL('./fixtures/peer.mjs', import.meta.url);

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--expose-gc', fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

describe('the mesh', () => {
  it('keeps the order of messages to a peer, over tcp and ipc', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-mesh-'));
    for (const where of [bind, `ipc://${folder}/b`]) {
      const [a, b] = await Promise.all([member('a'), member('b', { bind: where })]);
      a.connect('b', b.endpoint);
      for (let i = 0; i < 3000; i++) a.send('b', [Uint8Array.of(i, i >> 8), new Uint8Array(i % 300)]);
      for (let i = 0; i < 3000; i++) {
        const { peerId, frames } = await b.inbox.next();
        expect([peerId, frames[0]!.readUInt16LE(), frames[1]!.length]).toEqual(['a', i, i % 300]);
      }
    }
    await rm(folder, { recursive: true });
  });

  it('carries 32 MB and is not affected by later writes to the buffer', async () => {
    const [a, b] = await Promise.all([member('a'), member('b')]);
    a.connect('b', b.endpoint);
    const big = new Uint8Array(new SharedArrayBuffer(32 << 20)).fill(7);
    a.send('b', [big]);
    big.fill(9);
    a.send('b', [big]);
    big.fill(0);
    for (const value of [7, 9]) {
      const { frames } = await b.inbox.next();
      expect(frames[0]!.equals(Buffer.alloc(32 << 20, value))).toBe(true);
    }
  });

  it('drops messages to peers it does not know', async () => {
    const a = await member('a');
    expect(a.send('b', [Uint8Array.of(1)])).toBe(false);
  });

  it('finds a killed peer at once, and can connect to its successor', async () => {
    const a = await member('parent');
    const succeed = async () => {
      const child = start('echo', a.endpoint);
      const endpoint = String((await a.inbox.next()).frames[0]);
      a.connect('child', endpoint);
      a.send('child', [Uint8Array.of(1, 2, 3)]);
      return { child, echoed: await a.inbox.next() };
    };
    const { child, echoed } = await succeed();
    expect(echoed.frames[0]).toEqual(Buffer.of(1, 2, 3));
    const killed = performance.now();
    child.kill('SIGKILL');
    const { peerId, error } = await a.lost.next();
    expect(performance.now() - killed).toBeLessThan(2000);
    expect([peerId, error.code]).toEqual(['child', 'lost']);
    expect(a.send('child', [Uint8Array.of(1)])).toBe(false);
    expect((await succeed()).echoed.peerId).toBe('child');
  });

  it('finds a suspended peer by its missing heartbeat', async () => {
    const a = await member('parent', { heartbeatTimeoutMs: 600 });
    const child = start('echo', a.endpoint);
    a.connect('child', String((await a.inbox.next()).frames[0]));
    a.send('child', [Uint8Array.of(1)]);
    await a.inbox.next();
    const stopped = performance.now();
    child.kill('SIGSTOP');
    expect((await a.lost.next()).error.code).toBe('lost');
    expect(performance.now() - stopped).toBeLessThan(2000);
  });

  it('waits for a chunk that takes seconds on a slow line', async () => {
    const [a, b] = await Promise.all([member('a'), member('b')]);
    const line = await openSlowLine(b.endpoint, 300_000);
    open.push(line);
    let numLost = 0;
    void a.lost.next().then(() => numLost++);
    a.connect('b', line.endpoint);
    const chunk = Buffer.alloc(450_000, 'chunk');
    a.send('b', [Buffer.from('header'), chunk]);
    expect((await b.inbox.next()).frames[1]!.equals(chunk)).toBe(true);
    expect(numLost).toBe(0);
  });

  it('reports a peer that never answered', async () => {
    const [a, b] = await Promise.all([member('a', { connectTimeoutMs: 200 }), member('b')]);
    await b.close();
    a.connect('b', b.endpoint);
    expect((await a.lost.next()).error.code).toBe('address');
  });

  it('refuses invalid identities, and threads, whose end would abort the process', async () => {
    for (const identity of ['', 'two words', 'é', 'x'.repeat(65)]) {
      await expect(member(identity), identity).rejects.toThrowError(
        expect.objectContaining({ code: 'argument' }),
      );
    }
    const thread = new Worker(script, { argv: ['thread'], execArgv: [] });
    // A thread that has exited already delivers its message and its exit at one moment, so both are awaited from the start.
    const [message] = await Promise.all([once(thread, 'message'), once(thread, 'exit')]);
    expect(message).toEqual(['internal']);
  });

  // zeromq shuts down a context that nothing references: a closed socket's last event would never arrive.
  it.each([
    ['leaves nothing that keeps the process alive', 'leave'],
    ['closes while garbage is collected', 'collect'],
  ])('%s', async (_what, mode) => {
    const child = start(mode);
    let output = '';
    child.stdout!.on('data', (text) => {
      output += text;
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(output).toBe('closed\n');
  });
});

describe('keys on the mesh', () => {
  it('admit members with a shared pair or a pair each, and nobody else', async () => {
    const { client: ours } = generateKeys();
    const { client: guest } = generateKeys();
    const { client: stranger } = generateKeys();
    const refusals = createInbox<Refusal>();
    const keys = { ...ours, allowedClients: [ours.publicKey, guest.publicKey] };
    const b = await member('b', { keys, onRefused: refusals.put });
    const a = await member('a', { keys });
    a.connect('b', b.endpoint);
    a.send('b', [Uint8Array.of(1)]);
    expect((await b.inbox.next()).peerId).toBe('a');
    const c = await member('c', { keys: guest });
    c.connect('b', b.endpoint, ours.publicKey);
    c.send('b', [Uint8Array.of(1)]);
    expect((await b.inbox.next()).peerId).toBe('c');
    const d = await member('d', { keys: stranger });
    d.connect('b', b.endpoint, ours.publicKey);
    expect((await d.lost.next()).error.code).toBe('credentials');
    expect((await refusals.next()).publicKey).toBe(stranger.publicKey);
    const plain = await member('e');
    plain.connect('b', b.endpoint);
    expect((await plain.lost.next()).error.code).toBe('credentials');
    // Either side may be the first to notice that the other uses another mechanism.
    expect((await refusals.next()).reason).toMatch(/one side has keys|hung up/);
  });
});
