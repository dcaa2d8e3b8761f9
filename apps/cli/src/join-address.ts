/** The address at which workers reach a coordinator that listens on all interfaces, because nobody can connect to `0.0.0.0`. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { parseEndpoint } from '@lockstep/transport';

type Interfaces = NodeJS.Dict<readonly Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[]>;

const families: Readonly<Record<string, 'IPv4' | 'IPv6'>> = {
  '0.0.0.0': 'IPv4',
  '*': 'IPv4',
  '[::]': 'IPv6',
};
const loopbacks = { IPv4: '127.0.0.1', IPv6: '[::1]' } as const;

/** The address for workers of this machine. */
export function localEndpoint(endpoint: string): string {
  return withHost(endpoint, (family) => loopbacks[family]);
}

/**
 * The address for workers of other machines and containers: the first external address of this host, or loopback if it has none.
 */
export function joinEndpoint(endpoint: string, interfaces: Interfaces = networkInterfaces()): string {
  return withHost(endpoint, (family) => {
    const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
    // Link-local addresses mean another machine on each link.
    const found = addresses.find(
      (one) => one.family === family && !one.internal && !/^(fe80:|169\.254\.)/i.test(one.address),
    );
    if (found === undefined) return loopbacks[family];
    return family === 'IPv6' ? `[${found.address}]` : found.address;
  });
}

function withHost(endpoint: string, hostOf: (family: 'IPv4' | 'IPv6') => string): string {
  const parsed = parseEndpoint(endpoint);
  const family = parsed.transport === 'tcp' ? families[parsed.host] : undefined;
  return parsed.transport === 'ipc' || family === undefined
    ? endpoint
    : `tcp://${hostOf(family)}:${parsed.port}`;
}
