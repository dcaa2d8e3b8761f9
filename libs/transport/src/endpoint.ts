import { createSocket } from 'node:dgram';
import { LockstepError } from '@lockstep/errors';

/** `tcp://host:port` (IPv6 hosts in brackets) or `ipc:///path`. */
export type Endpoint =
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'ipc'; readonly path: string };

/** Throws `address` for anything but a tcp or ipc endpoint. */
export function parseEndpoint(endpoint: string): Endpoint {
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]+):(\d{1,5}|\*)$/.exec(endpoint);
  if (tcp !== null) {
    const port = tcp[2] === '*' ? 0 : Number(tcp[2]);
    if (port <= 65535) return { transport: 'tcp', host: tcp[1]!, port };
  }
  const ipc = /^ipc:\/\/(\S+)$/.exec(endpoint);
  if (ipc !== null) return { transport: 'ipc', path: ipc[1]! };
  throw new LockstepError(
    'address',
    `"${endpoint}" is not an endpoint; write tcp://host:port (port 0 takes a free one) or ipc:///path`,
    { endpoint },
  );
}

/** Whether only processes of this machine can reach the endpoint. Host names other than `localhost` count as remote. */
export function isLoopback(endpoint: string): boolean {
  const parsed = parseEndpoint(endpoint);
  if (parsed.transport === 'ipc') return true;
  return parsed.host === 'localhost' || parsed.host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(parsed.host);
}

export function isIPv6(endpoint: string): boolean {
  const parsed = parseEndpoint(endpoint);
  return parsed.transport === 'tcp' && parsed.host.startsWith('[');
}

/** The address of this machine's interface towards `host`. Asks the routing table and sends no packet. */
export function localAddressTowards(host: string): Promise<string> {
  const bare = host.replace(/^\[|\]$/g, '');
  const socket = createSocket(bare.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      socket.close();
      reject(
        new LockstepError(
          'address',
          `no interface of this machine reaches ${host}: ${cause.message}`,
          { host },
          { cause },
        ),
      );
    };
    socket.once('error', fail);
    // The port does not matter: connecting a UDP socket only chooses the local address.
    socket.connect(9, bare, () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
  });
}

/** The endpoint that others connect to: the bound one, with our address towards `host` instead of a wildcard. */
export async function advertisedEndpoint(bound: string, host: string): Promise<string> {
  const parsed = parseEndpoint(bound);
  if (parsed.transport === 'ipc' || !['0.0.0.0', '*', '[::]'].includes(parsed.host)) return bound;
  const address = await localAddressTowards(host);
  return `tcp://${address.includes(':') ? `[${address}]` : address}:${parsed.port}`;
}

/** The error for a failed bind, with a remedy for the operating system's code. */
export function bindError(endpoint: string, cause: unknown): LockstepError {
  const errno = (cause as { code?: unknown }).code;
  const remedy =
    errno === 'EADDRINUSE'
      ? 'it is in use; stop the program that listens there, or choose another port (0 takes a free one)'
      : errno === 'EADDRNOTAVAIL' || errno === 'ENODEV'
        ? 'no interface of this machine has this address; use one of its own, or 0.0.0.0 for all'
        : errno === 'EACCES'
          ? 'not permitted; use a port above 1023 or a folder you may write to'
          : String(cause);
  return new LockstepError(
    'address',
    `cannot listen on ${endpoint}: ${remedy}`,
    { endpoint, errno },
    { cause },
  );
}
