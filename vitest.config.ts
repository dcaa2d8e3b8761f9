import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { limits, resolve } from './vitest.shared.ts';

/** One project a package, so that `npx vitest run --project autodiff` works. */
const packages = ['libs', 'apps'].flatMap((folder) =>
  readdirSync(folder).map((name) => ({ name, root: `${folder}/${name}` })),
);

/**
 * Libraries of functions, whose test files may share a process and what it has loaded: most of the time would go into
 * starting processes otherwise. The others hold sockets, threads or process-wide settings, or replace modules.
 */
const pure = ['autodiff', 'checkpoint', 'errors', 'formats', 'nn', 'onnx', 'optim'];
const isPure = (name: string): boolean =>
  [...pure, 'protocol', 'rng', 'run', 'tensor', 'training', 'tree'].includes(name);

export default defineConfig({
  resolve,
  ssr: { resolve },
  test: {
    ...limits,
    projects: [
      ...packages.map(({ name, root }) => ({
        extends: true as const,
        test: { name, root, include: ['src/**/*.test.ts'], isolate: !isPure(name) },
      })),
      ...['architecture', 'golden', 'cluster'].map((name) => ({
        extends: true as const,
        test: { name, root: `test/${name}`, include: ['**/*.test.ts'], isolate: name === 'cluster' },
      })),
    ],
  },
});
