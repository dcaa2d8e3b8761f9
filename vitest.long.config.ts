import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { limits, resolve } from './vitest.shared.ts';

/** What takes minutes, or more than an ordinary machine offers: run by CI and by hand, a project at a time. */
const projects = ['parity', 'chaos', 'memory', 'network', 'containers'];

export default defineConfig({
  resolve,
  ssr: { resolve },
  test: {
    ...limits,
    // Each starts more processes than there are cores.
    fileParallelism: false,
    projects: projects
      .filter((name) => existsSync(`test/${name}`))
      .map((name) => ({
        extends: true as const,
        test: { name, root: `test/${name}`, include: ['**/*.test.ts'] },
      })),
  },
});
