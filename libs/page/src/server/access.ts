/** Who may read the page: by the name under which it was asked for, by what asked, and by a token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

export interface AccessOptions {
  /** Needed to read anything; without it everybody who reaches the address may. */
  readonly token?: string | undefined;
  /** Names of this machine beside `localhost`, its own name and its addresses. */
  readonly hosts?: readonly string[];
}

export type Decision =
  | { readonly type: 'granted' }
  /** The token is in the address: it is kept as a cookie, and the browser goes on without it. */
  | { readonly type: 'welcome'; readonly cookie: string; readonly location: string }
  | { readonly type: 'refused'; readonly status: 401 | 403 | 421; readonly reason: string };

const refused = (status: 401 | 403 | 421, reason: string): Decision => ({ type: 'refused', status, reason });

export type Access = (request: IncomingMessage, url: URL) => Decision;

export function createAccess({ token, hosts = [] }: AccessOptions): Access {
  const names = new Set(['localhost', hostname(), ...hosts].map((name) => name.toLowerCase()));
  return (request, url) => {
    const { host } = request.headers;
    if (host === undefined || !isOwn(host, names)) {
      return refused(421, 'this page is not served under that name');
    }
    if (!isSameSite(request, host)) return refused(403, 'another site asked for this');
    if (token === undefined) return { type: 'granted' };
    const given = url.searchParams.get('token');
    const name = cookieName(request);
    if (given !== null && url.pathname === '/') {
      if (!isSame(given, token)) return refused(401, 'the token is wrong');
      const cookie = `${name}=${proofOf(token)}; Path=/; HttpOnly; SameSite=Strict`;
      return { type: 'welcome', cookie, location: '/' };
    }
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined && isSame(bearer, token)) return { type: 'granted' };
    const proof = cookieOf(request, name);
    if (proof !== undefined && isSame(proof, proofOf(token))) return { type: 'granted' };
    return refused(401, 'a token is needed: open the address that the command printed');
  };
}

/**
 * A name that somebody else controls may lead here (DNS rebinding), and a browser would then let that site read the page. An address in
 * numbers leads to nobody else.
 */
function isOwn(host: string, names: ReadonlySet<string>): boolean {
  const [, name = ''] = /^(.*?)(?::\d+)?$/.exec(host.toLowerCase()) ?? [];
  const bare = /^\[(.*)\]$/.exec(name)?.[1];
  return bare === undefined ? isIP(name) === 4 || names.has(name) : isIP(bare) === 6;
}

/** Browsers say from where a request comes. Following a link to the page itself shows another site nothing. */
function isSameSite({ headers, method, url }: IncomingMessage, host: string): boolean {
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) return false;
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  const isNavigation = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return isNavigation && method === 'GET' && (url ?? '').split('?')[0] === '/';
}

/** Cookies are shared by all ports of a host. */
const cookieName = ({ socket }: IncomingMessage): string => `lockstep-${socket.localPort ?? 0}`;

/** Kept by the browser in place of the token itself. */
const proofOf = (token: string): string =>
  createHash('sha256').update(`lockstep page ${token}`).digest('base64url');

function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}

/** In the same time wherever the texts differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
