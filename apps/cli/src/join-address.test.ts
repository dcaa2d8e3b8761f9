import { expect, it } from 'vitest';
import { joinEndpoint, localEndpoint } from './join-address.ts';

const address = (family: 'IPv4' | 'IPv6', text: string, internal = false) => ({
  family,
  address: text,
  internal,
});

const interfaces = {
  lo: [address('IPv4', '127.0.0.1', true), address('IPv6', '::1', true)],
  eth0: [address('IPv4', '169.254.7.7'), address('IPv4', '10.0.0.5'), address('IPv6', 'fe80::1')],
  eth1: [address('IPv4', '10.1.0.5'), address('IPv6', '2001:db8::5')],
};

it.each([
  ['tcp://0.0.0.0:7070', 'tcp://10.0.0.5:7070'],
  ['tcp://*:7070', 'tcp://10.0.0.5:7070'],
  ['tcp://[::]:7070', 'tcp://[2001:db8::5]:7070'],
  ['tcp://10.1.0.5:7070', 'tcp://10.1.0.5:7070'],
  ['tcp://127.0.0.1:7070', 'tcp://127.0.0.1:7070'],
  ['ipc:///tmp/x', 'ipc:///tmp/x'],
])('a coordinator that listens on %s is joined at %s', (endpoint, join) => {
  expect(joinEndpoint(endpoint, interfaces)).toBe(join);
});

it('a machine without a network has an address for its own workers', () => {
  const { lo } = interfaces;
  expect(joinEndpoint('tcp://0.0.0.0:1', { lo })).toBe('tcp://127.0.0.1:1');
  expect(joinEndpoint('tcp://[::]:1', { lo })).toBe('tcp://[::1]:1');
});

it.each([
  ['tcp://0.0.0.0:1', 'tcp://127.0.0.1:1'],
  ['tcp://[::]:1', 'tcp://[::1]:1'],
  ['tcp://10.0.0.5:1', 'tcp://10.0.0.5:1'],
])('own workers of a coordinator at %s join at %s', (endpoint, join) => {
  expect(localEndpoint(endpoint)).toBe(join);
});
