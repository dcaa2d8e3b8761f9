import { describe, expect, it } from 'vitest';
import { advertisedEndpoint, isLoopback, localAddressTowards, parseEndpoint } from './endpoint.ts';

describe('endpoints', () => {
  it('are tcp or ipc', () => {
    expect(parseEndpoint('tcp://127.0.0.1:0')).toEqual({ transport: 'tcp', host: '127.0.0.1', port: 0 });
    expect(parseEndpoint('tcp://[::1]:5555')).toEqual({ transport: 'tcp', host: '[::1]', port: 5555 });
    expect(parseEndpoint('ipc:///tmp/x')).toEqual({ transport: 'ipc', path: '/tmp/x' });
    for (const wrong of [
      '',
      '127.0.0.1:1',
      'tcp://h',
      'tcp://h:70000',
      'tcp://h:1/x',
      'udp://h:1',
      'tcp://::1:5',
    ]) {
      expect(() => parseEndpoint(wrong), wrong).toThrowError(expect.objectContaining({ code: 'address' }));
    }
  });

  it('are loopback only when no other machine can reach them', () => {
    for (const near of [
      'tcp://127.0.0.1:1',
      'tcp://127.8.8.8:1',
      'tcp://localhost:1',
      'tcp://[::1]:1',
      'ipc:///tmp/x',
    ]) {
      expect(isLoopback(near), near).toBe(true);
    }
    for (const far of [
      'tcp://0.0.0.0:1',
      'tcp://*:1',
      'tcp://10.0.0.1:1',
      'tcp://127.evil.example:1',
      'tcp://[::]:1',
    ]) {
      expect(isLoopback(far), far).toBe(false);
    }
  });

  it('are advertised with a host that others can reach', async () => {
    expect(await localAddressTowards('127.0.0.1')).toBe('127.0.0.1');
    expect(await advertisedEndpoint('tcp://0.0.0.0:5555', '127.0.0.1')).toBe('tcp://127.0.0.1:5555');
    expect(await advertisedEndpoint('tcp://10.1.2.3:5555', '127.0.0.1')).toBe('tcp://10.1.2.3:5555');
    expect(await advertisedEndpoint('ipc:///tmp/x', '127.0.0.1')).toBe('ipc:///tmp/x');
  });
});
