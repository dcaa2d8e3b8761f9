/** docs/reference.md is what the sources say, and leaves nothing out. */
import { writeFileSync } from 'node:fs';
import * as autodiff from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { readText } from './documentation.ts';
import { referencePage } from './reference/page.ts';

const opsPage = readText('../../docs/ops.md');
const isMethod = (name: string): boolean =>
  name.replace('ops.', '') in autodiff.Tensor.prototype;
const page = new URL('../../docs/reference.md', import.meta.url);

describe('docs/reference.md', () => {
  it('is what the sources say', () => {
    const text = referencePage(opsPage, isMethod);
    if (process.env.LOCKSTEP_WRITE_GOLDEN === '1') writeFileSync(page, text);
    expect(readText('../../docs/reference.md')).toBe(text);
  });
});
