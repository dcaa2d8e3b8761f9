import { describe, expect, it } from 'vitest';
import { givenToken, pageAddress } from './page.ts';

describe('pageAddress', () => {
  it('is a free port of this machine, a port, or an address with a port', () => {
    expect(pageAddress('')).toEqual({ host: '127.0.0.1', port: 0 });
    expect(pageAddress('8080')).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(pageAddress('0.0.0.0:8080')).toEqual({ host: '0.0.0.0', port: 8080 });
    expect(pageAddress('[::1]:8080')).toEqual({ host: '::1', port: 8080 });
    expect(pageAddress('box.example:0')).toEqual({ host: 'box.example', port: 0 });
  });

  it.each(['web', '8080x', ':8080', '99999', '-1', 'box:'])('refuses %s', (text) => {
    expect(() => pageAddress(text)).toThrow(/--page '.*': write a port, such as 8080/);
  });
});

describe('the token of the environment', () => {
  it('is taken if it is long enough', () => {
    expect(givenToken('0123456789abcdef')).toBe('0123456789abcdef');
    expect([givenToken(undefined), givenToken('')]).toEqual([undefined, undefined]);
  });

  it.each(['short', 'with a space in it', 'with-a-line-feed\n'])('is refused: %j', (text) => {
    expect(() => givenToken(text)).toThrow(/LOCKSTEP_PAGE_TOKEN must have at least 16 characters/);
    // The message may end up in a log.
    expect(() => givenToken(text)).not.toThrow(text);
  });
});
