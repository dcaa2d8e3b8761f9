import { transformSync } from 'esbuild';
import { expect, it } from 'vitest';
import { placeInSource } from './source-place.ts';

it('leads from a place in the bundle to the file that was written', () => {
  const source = 'interface Gone {}\n\nexport const loss = (w: any) =>\n  w.log();\n';
  const { code } = transformSync(source, {
    loader: 'ts',
    sourcemap: 'inline',
    sourcefile: '../../a/points.ts',
  });
  const line = code.split('\n').findIndex((text) => text.includes('w.log'));
  const column = code.split('\n')[line]!.indexOf('w.log') + 3;
  const hash = 'a'.repeat(64);
  const place = (file: string): string | undefined =>
    placeInSource(Buffer.from(code), hash, `${file}:${line + 1}:${column}`);
  expect(place(`/cache/${hash.slice(0, 32)}.mjs`)).toMatch(/^a\/points\.ts:4:\d+$/);
  expect(place('/other.mjs')).toBeUndefined();
  expect(placeInSource(Buffer.from('none'), hash, `/${hash.slice(0, 32)}.mjs:1:1`)).toBe(
    `/${hash.slice(0, 32)}.mjs:1:1`,
  );
});
