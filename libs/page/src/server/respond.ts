/** Responses that a browser keeps to itself. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** No script, style or data from anywhere else, no inline script, no HTML made of text. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

export const headers = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

/** Fewer bytes are not worth the time. */
const minCompressed = 1_024;

/** Answers with a text or bytes, compressed where that is worth it. */
export async function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  type: string,
  body: string | Uint8Array,
): Promise<void> {
  const bytes = Buffer.from(body as Uint8Array);
  const isCompressed =
    bytes.length >= minCompressed && /\bgzip\b/.test(`${request.headers['accept-encoding']}`);
  const sent = isCompressed ? await compress(bytes, { level: 3 }) : bytes;
  response.writeHead(200, {
    ...headers,
    'Content-Type': type,
    'Content-Length': sent.length,
    ...(isCompressed && { 'Content-Encoding': 'gzip' }),
    Vary: 'Accept-Encoding',
  });
  response.end(request.method === 'HEAD' ? undefined : sent);
}

/** Answers with a status of failure and one line that says why. */
export function sendRefusal(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${reason}\n`);
}
