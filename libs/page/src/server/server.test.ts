import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type Delta, fromJson, type PageData, unpack, type WindowData } from '@lockstep/view';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, finish, stepLines, type TestFolder } from '../fixtures/folders.ts';
import { type Page, type PageOptions, startPage } from './server.ts';

let test: TestFolder;
let page: Page | undefined;
beforeEach(async () => {
  test = await createTestFolder();
});
afterEach(async () => {
  await page?.close();
  page = undefined;
  await test.remove();
});

const start = async (options: Partial<PageOptions> = {}): Promise<Page> => {
  page = await startPage({ paths: [test.root], isRunning: () => true, port: 0, intervalMs: 5, ...options });
  return page;
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request; headers are sent as they are, which a browser or `fetch` would not do. */
function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = page!;
    const sent = { host: `localhost:${port}`, ...headers };
    const asking = request({ port, host: '127.0.0.1', path, method, headers: sent }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) });
      });
    });
    asking.on('error', reject).end();
  });
}

const dataOf = ({ body }: Answer): PageData => unpack(body) as PageData;

/** Server-sent events from a cursor on, as they come. */
async function* events(path: string, headers: Readonly<Record<string, string>> = {}) {
  const { port } = page!;
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers: { host: `localhost:${port}`, ...headers } }, resolve)
      .on('error', reject)
      .end();
  });
  let text = '';
  for await (const part of response) {
    text += String(part);
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [, event] = /^event: (.*)$/m.exec(text.slice(0, end)) ?? [];
      const [, id] = /^id: (.*)$/m.exec(text.slice(0, end)) ?? [];
      const [, data = ''] = /^data: (.*)$/m.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (event !== undefined) yield { event, id: id!, data };
    }
  }
}

describe('the page', () => {
  it('has a document whose parts are its own, and data', async () => {
    const { address } = await start();
    expect(address).toBe(`http://127.0.0.1:${page!.port}/`);
    const html = await ask('/');
    expect(html.headers['content-type']).toBe('text/html; charset=utf-8');
    expect([...String(html.body).matchAll(/(?:src|href)="(?!data:)([^"]*)"/g)].map(([, url]) => url)).toEqual(
      ['page.css', 'page.js'],
    );
    expect((await ask('/page.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect((await ask('/page.css')).status).toBe(200);
    const { runs, cursor } = dataOf(await ask('/data'));
    expect(runs.map(({ facts }) => facts.id)).toEqual(['2026-11-30-digits-00aa']);
    expect(cursor).toMatch(/^[0-9a-f]{12}\.\d+$/);
  });

  it('is sent in fewer bytes to those who read gzip', async () => {
    await start();
    const [plain, small] = [await ask('/page.js'), await ask('/page.js', { 'accept-encoding': 'br, gzip' })];
    expect(small.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(small.body).equals(plain.body)).toBe(true);
    expect(small.body.length).toBeLessThan(plain.body.length / 2);
  });

  it('shows a window of curves', async () => {
    await test.append('metrics', ...Array.from({ length: 3_000 }, (_, i) => stepLines(21 + i)).flat());
    await start();
    await ask('/data');
    const { body } = await ask('/window?from=500&to=600&columns=200&runs=0&metric=loss&metric=none');
    const { runs } = unpack(body) as WindowData;
    expect([runs[0]!.loss!.steps.at(0), runs[0]!.loss!.steps.at(-1)]).toEqual([499, 601]);
    for (const query of [
      '',
      '?from=a&to=2&columns=1',
      '?from=2&to=1&columns=9',
      '?from=1&to=2&columns=99999',
    ]) {
      expect((await ask(`/window${query}`)).status).toBe(400);
    }
  });

  it('passes on changes as they come, and those that a browser missed', async () => {
    await start();
    const { cursor } = dataOf(await ask('/data'));
    const following = events(`/changes?after=${cursor}`);
    const first = following.next();
    await test.append('metrics', ...stepLines(21));
    const seen = (await first).value!;
    expect(seen.event).toBe('delta');
    expect((fromJson(seen.data) as Delta).runs[0]!.curves!.loss!.steps).toEqual([21]);
    await following.return();
    await test.append('metrics', ...stepLines(22));
    await ask('/data');
    const again = await events('/changes', { 'last-event-id': seen.id }).next();
    expect((fromJson(again.value!.data) as Delta).runs[0]!.curves!.loss!.steps).toEqual([22]);
  });

  it('lets a browser load everything again that comes from another server', async () => {
    await start();
    const other = await events('/changes?after=0123456789ab.7').next();
    expect(other.value!.event).toBe('reset');
  });

  it('passes on a run that appears', async () => {
    await start();
    const { cursor } = dataOf(await ask('/data'));
    const following = events(`/changes?after=${cursor}`);
    const first = following.next();
    const other = await createTestFolder({ id: '2026-11-30-digits-00bb' });
    await import('node:fs/promises').then(({ cp }) =>
      cp(other.folder, `${test.root}/2026-11-30-digits-00bb`, { recursive: true }),
    );
    await other.remove();
    const { added } = fromJson((await first).value!.data) as Delta;
    expect(added.map(({ facts }) => facts.id)).toEqual(['2026-11-30-digits-00bb']);
    expect(dataOf(await ask('/data')).runs.length).toBe(2);
  });

  it('shows the end of a run before it goes', async () => {
    let isOver = false;
    await start({ isRunning: () => !isOver, intervalMs: 100_000 });
    const { cursor } = dataOf(await ask('/data'));
    const following = events(`/changes?after=${cursor}`);
    const first = following.next();
    // The request is answered when the server follows it.
    while (page!.numReaders() === 0) await new Promise((resolve) => setImmediate(resolve));
    await finish(test, 20);
    isOver = true;
    await page!.close();
    const seen = (await first).value!;
    expect((fromJson(seen.data) as Delta).runs[0]!.progress!.status).toBe('finished');
    expect((await following.next()).value!.event).toBe('end');
    expect((await following.next()).done).toBe(true);
  });

  it('answers further paths', async () => {
    await start({ routes: { '/metrics': (_request, response) => void response.end('steps 20\n') } });
    expect(String((await ask('/metrics')).body)).toBe('steps 20\n');
  });

  it('says that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as import('node:net').AddressInfo;
    await expect(start({ port })).rejects.toThrow(/is taken by another program; give another port/);
    other.close();
  });
});

describe('what the page refuses', () => {
  it('other names of its address, to which an attacker leads a browser', async () => {
    await start();
    const { port } = page!;
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, 'localhost:9', `[::1]:${port}`]) {
      expect((await ask('/data', { host })).status).toBe(200);
    }
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '0x7f.1.evil',
    ]) {
      const { status, body } = await ask('/data', { host });
      expect(status).toBe(421);
      expect(String(body)).not.toContain('digits');
    }
    expect(await raw('GET /data HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw('GET /data HTTP/1.0\r\nHost:\r\n\r\n')).toMatch(/^HTTP\/1.1 421 /);
    await page!.close();
    await start({ names: ['box.example'] });
    expect((await ask('/data', { host: 'box.example' })).status).toBe(200);
  });

  it('requests of other sites', async () => {
    await start();
    const { port } = page!;
    const from = (site: string, more = {}) => ask('/data', { 'sec-fetch-site': site, ...more });
    expect((await from('same-origin')).status).toBe(200);
    expect((await from('none')).status).toBe(200);
    expect((await from('cross-site')).status).toBe(403);
    expect((await from('same-site')).status).toBe(403);
    const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await ask('/', { 'sec-fetch-site': 'cross-site', ...navigation })).status).toBe(200);
    expect((await from('cross-site', navigation)).status).toBe(403);
    const frame = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
    expect((await ask('/', { 'sec-fetch-site': 'cross-site', ...frame })).status).toBe(403);
    expect((await ask('/data', { origin: `http://localhost:${port}` })).status).toBe(200);
    expect((await ask('/data', { origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask('/data', { origin: 'null' })).status).toBe(403);
    expect((await ask('/data', { origin: `http://localhost:${port + 1}` })).status).toBe(403);
  });

  it('everything but reading its own paths', async () => {
    await start();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect((await ask('/data', {}, method)).status).toBe(405);
    }
    const paths = [
      '/../package.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/page.js/../../package.json',
      '/..%2f..%2fetc%2fpasswd',
      '/runs/2026-11-30-digits-00aa/manifest.json',
      '//evil.example/data',
      '/constructor',
      '/__proto__',
      '/data/',
      '/%00',
    ];
    for (const path of paths) expect([400, 404]).toContain((await ask(path)).status);
    expect(
      await raw('GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1.1 404 /);
    expect(
      await raw('GET http://evil.example/data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1.1 400 /);
  });

  it('scripts, frames and styles of anybody else', async () => {
    await start();
    for (const path of ['/', '/data', '/page.js', '/nothing']) {
      const { headers } = await ask(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['cross-origin-resource-policy']).toBe('same-origin');
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers['cache-control']).toBe('no-store');
    }
  });

  it('an address that others reach, without a token', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toThrow(/needs a token/);
  });
});

describe('a page with a token', () => {
  const token = 'correct-horse-battery';

  it('is closed without it, or with another', async () => {
    await start({ token });
    const closed = [
      ask('/data'),
      ask('/'),
      ask('/page.js'),
      ask('/changes'),
      ask('/data', { authorization: 'Bearer wrong' }),
      ask('/data', { authorization: `Basic ${token}` }),
      ask('/data', { cookie: `lockstep-${page!.port}=${token}` }),
      ask('/data', { cookie: `lockstep-${page!.port}=` }),
      ask(`/data?token=${token}`),
      ask('/?token=wrong'),
      ask('/?token='),
    ];
    for (const { status, body, headers } of await Promise.all(closed)) {
      expect(status).toBe(401);
      expect(String(body)).not.toContain('digits');
      expect(headers['set-cookie']).toBeUndefined();
    }
  });

  it('keeps it as a cookie after the first visit, out of the address', async () => {
    const { address } = await start({ token });
    expect(address).toBe(`http://127.0.0.1:${page!.port}/?token=${token}`);
    const first = await ask(`/?token=${token}`);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe('/');
    const [cookie] = first.headers['set-cookie']!;
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    const pair = cookie!.split(';')[0]!;
    expect((await ask('/data', { cookie: `other=1; ${pair}` })).status).toBe(200);
    expect((await ask('/data', { cookie: pair, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await ask('/data', { cookie: pair, host: 'evil.example' })).status).toBe(421);
    expect((await ask('/data', { cookie: pair.replace(/.$/, '') })).status).toBe(401);
  });

  it('is not needed where a path says nothing of the runs', async () => {
    const openRoutes = {
      '/healthz': (_request: unknown, response: ServerResponse) => void response.end('ok'),
    };
    await start({ token, openRoutes });
    expect(String((await ask('/healthz')).body)).toBe('ok');
    expect((await ask('/healthz', { host: 'pod.cluster.local' })).status).toBe(200);
    expect((await ask('/healthz', {}, 'POST')).status).toBe(401);
    expect((await ask('/healthz/')).status).toBe(401);
  });

  it('opens for programs that send it', async () => {
    await start({ token });
    expect((await ask('/data', { authorization: `Bearer ${token}` })).status).toBe(200);
  });
});

/** The bytes of a request that Node's client would not send. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(page!.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (part) => {
      answer += String(part);
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}
