import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createControlClient, createControlServer } from './control.ts';
import { createInbox } from './fixtures/inbox.ts';
import { keysOfSecret, readClientKeys, readServerKeys } from './keys.ts';
import { z85 } from './secret.ts';

const secret = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';

describe('keys of a secret', () => {
  it('are the same everywhere, and others for another secret', async () => {
    const [keys, again, other] = await Promise.all(
      [secret, secret, `${secret}.`].map((text) => keysOfSecret(text, 'here')),
    );
    expect(keys).toEqual(again);
    expect(keys!.client.serverKey).toBe(keys!.server.publicKey);
    expect(new Set([keys, other].flatMap((one) => [one!.server.secretKey, one!.client.secretKey])).size).toBe(
      4,
    );
  });

  it('are written in the text form of ZeroMQ (the example of RFC 32)', () => {
    expect(z85(Buffer.from('864fd26fb559f75b', 'hex'))).toBe('HelloWorld');
  });

  it('open a connection from a file and from a variable', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-secret-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'secret');
    await writeFile(file, `${secret}\n`);
    process.env.LOCKSTEP_TEST_SECRET = secret;
    onTestFinished(() => void delete process.env.LOCKSTEP_TEST_SECRET);
    const inbox = createInbox<string>();
    const server = await createControlServer({ bind: 'tcp://127.0.0.1:0', keys: await readServerKeys(file) });
    server.receive({ onMessage: (_client, frames) => inbox.put(frames.map(String).join()) });
    onTestFinished(() => server.close());
    const client = await createControlClient({
      connect: server.endpoint,
      identity: 'one',
      keys: await readClientKeys('env:LOCKSTEP_TEST_SECRET'),
      onMessage: () => undefined,
    });
    onTestFinished(() => client.close());
    client.send([Buffer.from('hello')]);
    expect(await inbox.next()).toBe('hello');
  });

  it('are refused where the secret is missing or short, without repeating it', async () => {
    await expect(readServerKeys('env:LOCKSTEP_NO_SECRET')).rejects.toMatchObject({
      code: 'credentials',
      message: expect.stringContaining('LOCKSTEP_NO_SECRET is not set'),
    });
    await expect(keysOfSecret('hunter2', 'env:X')).rejects.toMatchObject({
      code: 'credentials',
      message: expect.stringMatching(/^the secret in env:X has 7 characters, and needs at least 20/),
    });
    await expect(keysOfSecret('hunter2', 'env:X')).rejects.not.toThrowError(/hunter2/);
  });
});
