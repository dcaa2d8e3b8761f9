import { afterEach, describe, expect, it } from 'vitest';
import {
  type ControlClientOptions,
  type ControlServerOptions,
  createControlClient,
  createControlServer,
} from './control.ts';
import { createInbox } from './fixtures/inbox.ts';
import { generateKeys } from './keys.ts';
import type { Refusal } from './zap.ts';

const bind = 'tcp://127.0.0.1:0';
const open: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

async function serve(options: Partial<ControlServerOptions> = {}) {
  const inbox = createInbox<{ identity: string; text: string[] }>();
  const server = await createControlServer({
    bind,
    onMessage: (identity, frames) => inbox.put({ identity, text: frames.map(String) }),
    ...options,
  });
  open.push(server);
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

  it('tells the server who left, after their last message', async () => {
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

  it('tells the client that the server is gone, and again when one is back', async () => {
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

  it('says which address nobody answers at', async () => {
    const { endpoint, close } = await serve();
    await close();
    await expect(join(endpoint, { connectTimeoutMs: 200 })).rejects.toThrowError(
      expect.objectContaining({ code: 'address', message: expect.stringContaining(endpoint) }),
    );
  });

  it('says which address is in use, and frees its own at once', async () => {
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

  it('let in who is on the list', async () => {
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
    // Either side may be the first to see that the other speaks another mechanism.
    expect((await refusals.next()).reason).toMatch(/one side has keys|hung up/);
    const plain = await serve();
    await expect(join(plain.endpoint, { keys: ours.client })).rejects.toThrowError(credentials);
  });

  it('are needed beyond loopback', async () => {
    await expect(serve({ bind: 'tcp://0.0.0.0:0' })).rejects.toThrowError(credentials);
    await expect(join('tcp://192.0.2.1:5555')).rejects.toThrowError(credentials);
    const server = await serve({ bind: 'tcp://0.0.0.0:0', keys: ours.server });
    expect(server.endpoint).toMatch(/^tcp:\/\/0\.0\.0\.0:[1-9]/);
  });
});
