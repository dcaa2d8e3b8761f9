/** Serves the page. It only reads: every other method, and every path that is not one of its own, is refused. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { LockstepError } from '@lockstep/errors';
import { pack } from '@lockstep/view';
import { type Assets, documentText, readAssets } from '../document.ts';
import { FollowedRuns } from '../follow/followed-runs.ts';
import { type Access, createAccess } from './access.ts';
import { Feed } from './feed.ts';
import { headers, sendBody, sendRefusal } from './respond.ts';

export interface PageOptions {
  /** Folders of runs and sweeps, and folders that contain such folders. */
  readonly paths: readonly string[];
  /** Whether a process trains the run of this folder; undefined where nobody can say. */
  readonly isRunning: (folder: string) => boolean | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Needed where others can reach the address; see `isLoopback`. */
  readonly token?: string | undefined;
  /** Further names under which the page may be asked for. */
  readonly names?: readonly string[];
  /** Between two readings of runs that go on, in milliseconds. Default 500. */
  readonly intervalMs?: number;
  /** Whether the runs are read at once, and not when somebody asks for the first time. Default false. */
  readonly eager?: boolean;
  /** What other paths answer, such as `/metrics`. */
  readonly routes?: Readonly<Record<string, Route>>;
  /** What paths answer to everybody, under any name and without a token, such as `/healthz`: they must tell nothing of the runs. */
  readonly openRoutes?: Readonly<Record<string, Route>>;
}

export type Route = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

export interface Page {
  /** Where a browser finds the page; with the token if one is needed. */
  readonly address: string;
  readonly port: number;
  /** Browsers that follow the runs now. */
  numReaders(): number;
  /** Shows the last changes to those who watch, and frees the port. */
  close(): Promise<void>;
}

/** More browsers than these are turned away, so that they do not slow a run. */
const maxReaders = 64;

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/**
 * Throws `address` where the port is taken, `config` where a token is missing, a folder cannot be read or the page is not built.
 */
export async function startPage(options: PageOptions): Promise<Page> {
  const { host = '127.0.0.1', port, token, names = [], intervalMs = 500 } = options;
  if (token === undefined && !isLoopback(host)) {
    throw new LockstepError(
      'config',
      `other machines reach ${host}, so the page needs a token: whoever has it can read the runs`,
      { host },
    );
  }
  const runs = new FollowedRuns(options);
  await runs.check();
  const feed = new Feed({ runs, intervalMs });
  const access = createAccess({ token, hosts: [...names, ...(isIP(host) === 0 ? [host] : [])] });
  const routes = { ...routesOf(runs, feed, readAssets()), ...options.routes };
  const { openRoutes = {} } = options;
  const server = createServer((request, response) => {
    answer(request, response, { access, routes, openRoutes }).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendRefusal(response, 500, error instanceof Error ? error.message : String(error));
    });
  });
  await listen(server, host, port);
  // What fails now is told to those who ask.
  if (options.eager === true) void feed.read().catch(() => undefined);
  const { port: actual } = server.address() as AddressInfo;
  const shownHost = isAnyAddress(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return {
    address: `http://${shownHost}:${actual}/${token === undefined ? '' : `?token=${encodeURIComponent(token)}`}`,
    port: actual,
    numReaders: () => feed.numReaders,
    close: async () => {
      await feed.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },
  };
}

const isAnyAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${cause.message})`;
      const message = `the page's address ${host}:${port} ${why}; give another port, or 0 for a free one`;
      reject(new LockstepError('address', message, { host, port }, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}

interface Served {
  readonly access: Access;
  readonly routes: Readonly<Record<string, Route>>;
  readonly openRoutes: Readonly<Record<string, Route>>;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { access, routes, openRoutes }: Served,
): Promise<void> {
  const url = urlOf(request);
  if (url === undefined) return sendRefusal(response, 400, 'the address cannot be read');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const open = routeAt(openRoutes, url);
  if (open !== undefined && isRead) return open(request, response, url);
  const decision = access(request, url);
  if (decision.type === 'refused') return sendRefusal(response, decision.status, decision.reason);
  if (!isRead) return sendRefusal(response, 405, 'the page can only be read');
  if (decision.type === 'welcome') {
    const { cookie, location } = decision;
    response.writeHead(303, { ...headers, 'Set-Cookie': cookie, Location: location });
    response.end();
    return;
  }
  const route = routeAt(routes, url);
  if (route === undefined) return sendRefusal(response, 404, 'there is nothing at this address');
  await route(request, response, url);
}

const routeAt = (routes: Served['routes'], { pathname }: URL): Route | undefined =>
  Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;

function urlOf({ url = '' }: IncomingMessage): URL | undefined {
  const isPath = url.startsWith('/') && !url.startsWith('//');
  return isPath && URL.canParse(url, 'http://page') ? new URL(url, 'http://page') : undefined;
}

function routesOf(
  runs: FollowedRuns,
  feed: Feed,
  { script, style }: Assets,
): Readonly<Record<string, Route>> {
  const html = documentText(
    '<link rel="stylesheet" href="page.css">',
    '<script type="module" src="page.js"></script>',
  );
  const text =
    (type: string, body: string): Route =>
    (request, response) =>
      sendBody(request, response, `${type}; charset=utf-8`, body);
  return {
    '/': text('text/html', html),
    '/page.js': text('text/javascript', script),
    '/page.css': text('text/css', style),
    '/data': async (request, response) => {
      await feed.read();
      const data = { ...runs.data(), cursor: feed.cursor };
      await sendBody(request, response, 'application/octet-stream', pack(data));
    },
    '/window': async (request, response, url) => {
      const asked = windowOf(url.searchParams);
      if (asked === undefined) return sendRefusal(response, 400, 'the window cannot be read');
      const { from, to, columns, indices, names } = asked;
      const data = runs.window({ from, to }, columns, indices, names);
      await sendBody(request, response, 'application/octet-stream', pack(data));
    },
    '/changes': (request, response, url) => {
      if (feed.numReaders >= maxReaders) return sendRefusal(response, 503, 'too many browsers are open');
      response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream', Connection: 'close' });
      if (request.method === 'HEAD') {
        response.end();
        return;
      }
      const last = request.headers['last-event-id'];
      feed.follow(response, typeof last === 'string' ? last : (url.searchParams.get('after') ?? undefined));
    },
  };
}

const maxColumns = 8_192;

function windowOf(query: URLSearchParams) {
  const [from, to, columns] = ['from', 'to', 'columns'].map((name) => Number(query.get(name) ?? 'none'));
  const isWindow = [from, to, columns].every(Number.isFinite) && from! <= to! && columns! >= 1;
  if (!isWindow || columns! > maxColumns) return undefined;
  const indices = new Set((query.get('runs') ?? '').split(',').map(Number));
  return { from: from!, to: to!, columns: columns!, indices, names: query.getAll('metric') };
}
