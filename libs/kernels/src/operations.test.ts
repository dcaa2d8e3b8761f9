import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generatedSources } from './fixtures/generated.ts';

describe('sources that are generated from the table of operations', () => {
  it.each(Object.entries(generatedSources))('%s is up to date', (path, source) => {
    const file = new URL(`../${path}`, import.meta.url);
    if (process.env.LOCKSTEP_WRITE_GOLDEN === '1') writeFileSync(file, source);
    expect(readFileSync(file, 'utf8')).toBe(source);
  });
});
