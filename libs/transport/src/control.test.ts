import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ControlClientOptions,
  type ControlListeners,
  type ControlServerOptions,
  createControlClient,
  createControlServer,
} from './control.ts';
import { createInbox } from './fixtures/inbox.ts';
import { openSlowLine } from './fixtures/slow-line.ts';
import { generateKeys } from './keys.ts';
import type { Refusal } from './zap.ts';

const bind = 'tcp://127.0.0.1:0';
const open: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

async function listen(options: Partial<ControlServerOptions> = {}) {
  const server = await createControlServer({ bind, ...options });
  open.push(server);
  return server;
}

async function serve({
  bind: address = bind,
  keys,
  onRefused,
  ...listeners
}: Partial<ControlServerOptions & ControlListeners> = {}) {
  const inbox = createInbox<{ identity: string; text: string[] }>();
  const server = await listen({ bind: address, ...(keys && { keys }), ...(onRefused && { onRefused }) });
  server.receive({
    onMessage: (identity, frames) => inbox.put({ identity, text: frames.map(String) }),
    ...listeners,
  });
  return { ...server, inbox };
}

async function join(connect: string, options: Partial<ControlClientOptions> = {}) {
  const inbox = createInbox<Buffer[]>();
  const client = await createControlClient({ connect, identity: 'w0', onMessage: inbox.put, ...options });
  open.push(client);
  return { ...client, inbox };
}

describe('the control plane', () => {
  it('carries requests and responses by identity', async () => {
    const server = await serve();
    const [a, b] = await Promise.all([
      join(server.endpoint, { identity: 'a' }),
      join(server.endpoint, { identity: 'b' }),
    ]);
    a.send([Buffer.from('one'), Buffer.from(''), Buffer.from('two')]);
    expect(await server.inbox.next()).toEqual({ identity: 'a', text: ['one', '', 'two'] });
    b.send([Buffer.from('three')]);
    expect(await server.inbox.next()).toEqual({ identity: 'b', text: ['three'] });
    server.send('b', [Buffer.from('to b')]);
    server.send('nobody', [Buffer.from('dropped')]);
    server.send('a', [Buffer.from('to a')]);
    expect(String((await a.inbox.next())[0])).toBe('to a');
    expect(String((await b.inbox.next())[0])).toBe('to b');
  });

  it('passes on what came before it receives, and can answer it', async () => {
    const server = await listen();
    const client = await join(server.endpoint);
    client.send([Buffer.from('early')]);
    // A second client's connection shows that the server has had time to accept the message of the first.
    await join(server.endpoint, { identity: 'w1' });
    server.receive({ onMessage: (identity, frames) => server.send(identity, frames) });
    expect(String((await client.inbox.next())[0])).toBe('early');
  });

  it('reports a client that leaves after its last message', async () => {
    const seen = createInbox<string>();
    const server = await serve({
      onMessage: (identity, frames) => seen.put(`${identity} ${frames[0]}`),
      onDisconnect: (identity) => seen.put(`${identity} left`),
    });
    const client = await join(server.endpoint);
    client.send([Buffer.from('bye')]);
    expect(await seen.next()).toBe('w0 bye');
    await client.close();
    expect(await seen.next()).toBe('w0 left');
  });

  it('reports to the client when the server goes and when it returns', async () => {
    const changes = createInbox<string>();
    const first = await serve();
    const client = await join(first.endpoint, {
      onDisconnect: (error) => changes.put(error.code),
      onReconnect: () => changes.put('back'),
    });
    await first.close();
    expect(await changes.next()).toBe('lost');
    expect(client.send([Buffer.from('to nobody')])).toBe(false);
    const second = await serve({ bind: first.endpoint });
    expect(await changes.next()).toBe('back');
    expect(client.send([Buffer.from('hello again')])).toBe(true);
    expect(await second.inbox.next()).toEqual({ identity: 'w0', text: ['hello again'] });
  });

  it('names the address where nobody answers', async () => {
    const { endpoint, close } = await serve();
    await close();
    await expect(join(endpoint, { connectTimeoutMs: 200 })).rejects.toThrowError(
      expect.objectContaining({ code: 'address', message: expect.stringContaining(endpoint) }),
    );
  });

  it('names an address that is in use, and frees its own address at once', async () => {
    const server = await serve();
    await expect(serve({ bind: server.endpoint })).rejects.toThrowError(
      expect.objectContaining({
        code: 'address',
        message: expect.stringContaining(`${server.endpoint}: it is in use`),
      }),
    );
    await expect(serve({ bind: 'tcp://nonsense' })).rejects.toThrowError(
      expect.objectContaining({ code: 'address' }),
    );
    let { endpoint, close } = server;
    for (let round = 0; round < 20; round++) {
      await close();
      ({ endpoint, close } = await serve({ bind: endpoint }));
    }
    expect(endpoint).toBe(server.endpoint);
  });
});

describe('keys on the control plane', () => {
  const ours = generateKeys();
  const theirs = generateKeys();
  const credentials = expect.objectContaining({ code: 'credentials' });

  it('admit a client on the allow-list', async () => {
    const server = await serve({ keys: ours.server });
    const client = await join(server.endpoint, { keys: ours.client });
    client.send([Buffer.from('hello')]);
    expect(await server.inbox.next()).toEqual({ identity: 'w0', text: ['hello'] });
  });

  it('refuse an unknown client key, and report it', async () => {
    const refusals = createInbox<Refusal>();
    const server = await serve({ keys: ours.server, onRefused: refusals.put });
    const stranger = { ...theirs.client, serverKey: ours.server.publicKey };
    await expect(join(server.endpoint, { keys: stranger })).rejects.toThrowError(credentials);
    expect(await refusals.next()).toMatchObject({ publicKey: stranger.publicKey, address: '127.0.0.1' });
  });

  it('refuse a wrong server key', async () => {
    const server = await serve({ keys: ours.server });
    const misled = { ...ours.client, serverKey: theirs.server.publicKey };
    await expect(join(server.endpoint, { keys: misled })).rejects.toThrowError(credentials);
  });

  it('refuse plaintext on either side, and report it', async () => {
    const refusals = createInbox<Refusal>();
    const server = await serve({ keys: ours.server, onRefused: refusals.put });
    await expect(join(server.endpoint)).rejects.toThrowError(credentials);
    // Either side may be the first to notice that the other uses another mechanism.
    expect((await refusals.next()).reason).toMatch(/one side has keys|hung up/);
    const plain = await serve();
    await expect(join(plain.endpoint, { keys: ours.client })).rejects.toThrowError(credentials);
  });

  it('are required beyond loopback', async () => {
    await expect(serve({ bind: 'tcp://0.0.0.0:0' })).rejects.toThrowError(credentials);
    await expect(join('tcp://192.0.2.1:5555')).rejects.toThrowError(credentials);
    const server = await serve({ bind: 'tcp://0.0.0.0:0', keys: ours.server });
    expect(server.endpoint).toMatch(/^tcp:\/\/0\.0\.0\.0:[1-9]/);
  });
});

describe('on a slow line', () => {
  it('a long message arrives complete, and its pieces show that the server lives', async () => {
    const server = await serve();
    const line = await openSlowLine(server.endpoint, 300_000);
    open.push(line);
    let numSigns = 0;
    let numLost = 0;
    const client = await join(line.endpoint, {
      onSignOfLife: () => numSigns++,
      onDisconnect: () => numLost++,
    });
    client.send([Buffer.from('hello')]);
    await server.inbox.next();
    // One frame that takes 1.5 s: more than twice the heartbeat's time-out.
    const bundle = Buffer.alloc(450_000, 'bundle');
    server.send('w0', [Buffer.from('welcome'), bundle]);
    const [welcome, came] = await client.inbox.next();
    expect(String(welcome)).toBe('welcome');
    expect(came!.equals(bundle)).toBe(true);
    expect(numSigns).toBeGreaterThan(20);
    expect(numLost).toBe(0);
  });

  it('a long message from a client shows the server that the client lives', async () => {
    const pieces = createInbox<string>();
    const server = await serve({ onPiece: pieces.put });
    const client = await join(server.endpoint);
    client.send([Buffer.from('checkpoint'), Buffer.alloc(300_000, 'x')]);
    expect(await pieces.next()).toBe('w0');
    expect((await server.inbox.next()).text.map(({ length }) => length)).toEqual([10, 300_000]);
  });
});

describe('a server that does not run yet', () => {
  it('lets the client wait', async () => {
    const { endpoint, close } = await serve();
    await close();
    const joining = join(endpoint, { connectTimeoutMs: 60_000, waits: true });
    const server = await serve({ bind: endpoint });
    (await joining).send([Buffer.from('hello')]);
    expect(await server.inbox.next()).toEqual({ identity: 'w0', text: ['hello'] });
  });

  it('lets the client wait at a name that does not resolve', async () => {
    const keys = generateKeys().client;
    const options = { connectTimeoutMs: 300, waits: true, keys };
    await expect(join('tcp://nobody.invalid:7070', options)).rejects.toThrowError(
      expect.objectContaining({ code: 'address' }),
    );
  });

  it('lets the client wait while another program hangs up; a server that refuses keys ends the wait', async () => {
    const standIn = createServer((socket) => void socket.destroy());
    await new Promise<void>((resolve) => standIn.listen(0, '127.0.0.1', resolve));
    open.push({ close: async () => void standIn.close() });
    const endpoint = `tcp://127.0.0.1:${(standIn.address() as AddressInfo).port}`;
    await expect(join(endpoint, { connectTimeoutMs: 1_000, waits: true })).rejects.toThrowError(
      expect.objectContaining({ code: 'address' }),
    );
    const { server: secret, client } = generateKeys();
    const server = await serve({ keys: secret });
    const misled = { ...client, serverKey: generateKeys().server.publicKey };
    const joining = join(server.endpoint, { keys: misled, connectTimeoutMs: 60_000, waits: true });
    await expect(joining).rejects.toThrowError(expect.objectContaining({ code: 'credentials' }));
  });

  it('lets the client stop waiting when its signal aborts', async () => {
    const { endpoint, close } = await serve();
    await close();
    const leaving = new AbortController();
    const joining = join(endpoint, { connectTimeoutMs: 60_000, waits: true, signal: leaving.signal });
    leaving.abort();
    await expect(joining).rejects.toThrowError(expect.objectContaining({ code: 'lost' }));
  });
});
