import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** One project a package, so that `npx vitest run --project autodiff` works. Sources are resolved, not builds. */
const packages = ['libs', 'apps'].flatMap((folder) =>
  readdirSync(folder).map((name) => ({ name, root: `${folder}/${name}` })),
);

const resolve = { conditions: ['source', 'module', 'node', 'development|production'] };

export default defineConfig({
  resolve,
  ssr: { resolve },
  test: {
    projects: [
      ...packages.map(({ name, root }) => ({
        extends: true as const,
        test: { name, root, include: ['src/**/*.test.ts'] },
      })),
      ...['architecture', 'golden', 'cluster'].map((name) => ({
        extends: true as const,
        test: { name, root: `test/${name}`, include: ['**/*.test.ts'] },
      })),
    ],
  },
});
