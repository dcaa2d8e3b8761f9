/** A small workspace that keeps every rule; tests add one violation at a time. */
import type { Manifest, Package, Workspace } from './workspace.ts';

export const closedExports = {
  '.': { source: './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
};

/** The two entries of the package that users import. */
export const publicExports = {
  ...closedExports,
  './extend': { source: './src/extend.ts', types: './dist/extend.d.ts', default: './dist/extend.js' },
};

function planted(folder: string, layer: number, dependencies: Record<string, string> = {}): Package {
  const name = folder === 'libs/lockstep' ? 'lockstep' : `@lockstep/${folder.split('/').at(-1)}`;
  const references = Object.keys(dependencies)
    .filter((dependency) => /^@?lockstep/.test(dependency))
    .map(
      (dependency) =>
        `${/coordinator|worker/.test(dependency) ? 'apps' : 'libs'}/${dependency.split('/').at(-1)}`,
    );
  return {
    folder,
    manifest: {
      name,
      lockstep: { layer },
      dependencies,
      exports: name === 'lockstep' ? publicExports : closedExports,
    },
    references,
  };
}

const errors = { '@lockstep/errors': '0.1.0' };

const packages: readonly Package[] = [
  planted('apps/cli', 10, { ...errors, '@lockstep/coordinator': '0.1.0' }),
  planted('apps/coordinator', 10, { ...errors, '@lockstep/transport': '0.1.0' }),
  planted('libs/autodiff', 3, { ...errors, '@lockstep/tree': '0.1.0' }),
  planted('libs/errors', 0),
  planted('libs/lockstep', 9, { '@lockstep/autodiff': '0.1.0' }),
  planted('libs/transport', 1, { ...errors, zeromq: '6.8.0' }),
  planted('libs/tree', 0, errors),
  {
    folder: 'test',
    manifest: { name: '@lockstep/test', lockstep: { layer: 11 }, dependencies: { '@lockstep/cli': '0.1.0' } },
    references: undefined,
  },
];

export const sound: Workspace = {
  root: {
    folder: '',
    manifest: { name: 'root', devDependencies: { vitest: '4.1.12', lockstep: '0.1.0' } },
    references: packages.map(({ folder }) => folder).filter((folder) => folder !== 'test'),
  },
  packages,
  sources: [
    {
      path: 'libs/tree/src/index.ts',
      text: "export { a } from './a.ts';\nimport { b } from '@lockstep/errors';\n",
    },
    {
      path: 'libs/tree/src/a.test.ts',
      text: "import { it } from 'vitest';\nimport { readFileSync } from 'node:fs';\n",
    },
    { path: 'libs/transport/src/socket.ts', text: "import { Dealer } from 'zeromq';\n" },
    {
      path: 'experiments/points.ts',
      text: "import { sgd } from 'lockstep';\nimport { bind } from 'lockstep/extend';\n",
    },
  ],
  tracked: ['package.json', 'libs/tree/src/index.ts'],
};

/** The sound workspace with one manifest changed. */
export function withManifest(folder: string, change: Partial<Manifest>): Workspace {
  return {
    ...sound,
    packages: sound.packages.map((entry) =>
      entry.folder === folder ? { ...entry, manifest: { ...entry.manifest, ...change } } : entry,
    ),
  };
}

/** The sound workspace with one more source file. */
export function withSource(path: string, text: string): Workspace {
  return { ...sound, sources: [...sound.sources, { path, text }] };
}
