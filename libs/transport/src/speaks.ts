/** Whether a ZeroMQ socket listens at an address, or another program that accepts connections, such as a container's proxy. */
import { connect, type Socket } from 'node:net';
import { type Endpoint, parseEndpoint } from './endpoint.ts';

/** The first byte that every ZeroMQ socket sends. */
const greeting = 0xff;

export function speaksZeroMQ(endpoint: string, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = open(parseEndpoint(endpoint));
    const end = (speaks: boolean): void => {
      socket.destroy();
      resolve(speaks);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('data', ([first]) => end(first === greeting));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}

function open(endpoint: Endpoint): Socket {
  if (endpoint.transport === 'ipc') return connect(endpoint.path);
  return connect(endpoint.port, endpoint.host.replace(/^\[|\]$/g, ''));
}
