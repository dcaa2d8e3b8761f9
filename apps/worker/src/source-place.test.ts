import { expect, it } from 'vitest';
import { placeInSource } from './source-place.ts';

const hash = 'a'.repeat(64);
const file = `/cache/${hash.slice(0, 32)}.mjs`;

it('leads from a place in the bundle to the file that was written', () => {
  // Of the map's one entry, in base 64: line 2, column 3 of the bundle is line 4, column 4 of the source.
  const map = { version: 3, sources: ['../../a/points.ts'], names: [], mappings: ';EAGG' };
  const encoded = Buffer.from(JSON.stringify(map)).toString('base64');
  const bundle = Buffer.from(
    `// loss\n  w.log();\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`,
  );
  expect(placeInSource(bundle, hash, `${file}:2:3`)).toBe('a/points.ts:4:4');
  expect(placeInSource(bundle, hash, '/libs/other.mjs:2:3')).toBeUndefined();
});

it('is the place itself where the bundle has no map', () => {
  expect(placeInSource(Buffer.from('w.log()'), hash, `${file}:1:3`)).toBe(`${file}:1:3`);
});
