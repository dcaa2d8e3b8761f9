/** Rules on package manifests. A rule returns a sentence for each violation. */
import { allDependencies, type Package, type Workspace } from './workspace.ts';

const APP_LAYER = 10;
const TEST_LAYER = 11;

/** Beneath every layer: its error types are part of everybody's interface, layer 0 included. */
const FOUNDATION = '@lockstep/errors';

/** The only app that builds on apps is the command that starts them. */
const APP_TO_APP: Readonly<Record<string, readonly string[]>> = {
  '@lockstep/cli': ['@lockstep/coordinator', '@lockstep/worker'],
};

/** What moves bytes and what differentiates know nothing of each other, directly or through others. */
const CLUSTER = [
  '@lockstep/coordinator',
  '@lockstep/protocol',
  '@lockstep/transport',
  '@lockstep/lanes',
  '@lockstep/collectives',
];
const CALCULUS = ['@lockstep/autodiff'];

/**
 * Entries beside `.`. Extensions of the library need primitives, programs and plans, which may change with any release: they
 * have an entry of their own, so that everything that `lockstep` itself exports can be relied on.
 */
const FURTHER_ENTRIES: Readonly<Record<string, readonly string[]>> = { 'libs/lockstep': ['extend'] };

export const manifestRules = {
  names,
  layers,
  directions,
  strangers,
  closedExports,
  exactVersions,
  references,
} satisfies Record<string, (workspace: Workspace) => string[]>;

function names({ packages }: Workspace): string[] {
  return packages.flatMap(({ folder, manifest: { name } }) => {
    const expected = folder === 'libs/lockstep' ? 'lockstep' : `@lockstep/${folder.split('/').at(-1)}`;
    return name === expected ? [] : [`${folder}: its name is ${name}, expected ${expected}`];
  });
}

function layers({ packages }: Workspace): string[] {
  return packages.flatMap(({ folder, manifest: { lockstep } }) => {
    const layer = lockstep?.layer;
    if (typeof layer !== 'number' || !Number.isInteger(layer)) {
      return [`${folder}: lockstep.layer is ${layer}, expected the number of its layer`];
    }
    if (folder === 'test')
      return layer === TEST_LAYER ? [] : [`test: layer ${layer}, expected ${TEST_LAYER}`];
    if (folder.startsWith('apps/')) {
      return layer === APP_LAYER ? [] : [`${folder}: layer ${layer}, apps have ${APP_LAYER}`];
    }
    return layer >= 0 && layer < APP_LAYER
      ? []
      : [`${folder}: layer ${layer}, libraries have 0 to ${APP_LAYER - 1}`];
  });
}

function directions({ packages }: Workspace): string[] {
  const layerOf = new Map(packages.map(({ manifest }) => [manifest.name, Number(manifest.lockstep?.layer)]));
  return packages.flatMap(({ folder, manifest }) =>
    Object.keys(allDependencies(manifest)).flatMap((name) => {
      const from = layerOf.get(manifest.name);
      const to = layerOf.get(name);
      if (from === undefined || to === undefined || to < from) return [];
      if (name === FOUNDATION && manifest.name !== FOUNDATION) return [];
      if (APP_TO_APP[manifest.name ?? '']?.includes(name)) return [];
      return [
        `${folder}: layer ${from} depends on ${name} of layer ${to}; only lower layers may be imported`,
      ];
    }),
  );
}

function strangers({ packages }: Workspace): string[] {
  const byName = new Map(packages.map((entry) => [entry.manifest.name, entry]));
  const between = (from: readonly string[], to: readonly string[]) =>
    from.flatMap((name) => {
      const reached = reachable(name, byName);
      return to
        .filter((other) => reached.has(other))
        .map((other) => `${name}: must know nothing of ${other}`);
    });
  return [...between(CLUSTER, CALCULUS), ...between(CALCULUS, CLUSTER)];
}

function reachable(name: string, byName: ReadonlyMap<string | undefined, Package>): Set<string> {
  const seen = new Set<string>();
  const pending = [name];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const dependency of Object.keys(byName.get(next)?.manifest.dependencies ?? {})) {
      if (seen.has(dependency)) continue;
      seen.add(dependency);
      pending.push(dependency);
    }
  }
  return seen;
}

/** The entries that are named above and nothing beside them, so that deep imports fail wherever they are written. */
function closedExports({ packages }: Workspace): string[] {
  return packages.flatMap(({ folder, manifest: { exports } }) => {
    if (folder === 'test') return exports === undefined ? [] : ['test: exports nothing'];
    const entries = [
      ['.', entryOf('index')],
      ...(FURTHER_ENTRIES[folder] ?? []).map((name) => [`./${name}`, entryOf(name)]),
    ];
    const closed = JSON.stringify(Object.fromEntries(entries));
    return JSON.stringify(exports) === closed ? [] : [`${folder}: exports must be exactly ${closed}`];
  });
}

const entryOf = (name: string) => ({
  source: `./src/${name}.ts`,
  types: `./dist/${name}.d.ts`,
  default: `./dist/${name}.js`,
});

function exactVersions({ root, packages }: Workspace): string[] {
  const first = new Map<string, { version: string; folder: string }>();
  return [root, ...packages].flatMap(({ folder, manifest }) =>
    Object.entries(allDependencies(manifest)).flatMap(([name, version]) => {
      const where = folder || 'package.json';
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        return [`${where}: ${name} ${version} is not an exact version`];
      const other = first.get(name);
      if (other === undefined) first.set(name, { version, folder: where });
      if (other === undefined || other.version === version) return [];
      return [`${where}: ${name} ${version}, but ${other.folder} has ${other.version}`];
    }),
  );
}

/** `tsc -b` builds what the manifests say: a package's references are its dependencies, the root's are all packages. */
function references({ root, packages }: Workspace): string[] {
  const folderOf = new Map(packages.map(({ folder, manifest }) => [manifest.name, folder]));
  const built = packages.filter(({ folder }) => folder !== 'test');
  const expected = ({ manifest }: Package) =>
    Object.keys(manifest.dependencies ?? {}).flatMap((name) => folderOf.get(name) ?? []);
  return [
    ...differences(
      'tsconfig.json',
      root.references,
      built.map(({ folder }) => folder),
    ),
    ...built.flatMap((entry) =>
      differences(`${entry.folder}/tsconfig.json`, entry.references, expected(entry)),
    ),
  ];
}

function differences(
  file: string,
  found: readonly string[] | undefined,
  expected: readonly string[],
): string[] {
  if (found === undefined) return [`${file}: is missing`];
  return [
    ...expected
      .filter((folder) => !found.includes(folder))
      .map((folder) => `${file}: lacks a reference to ${folder}`),
    ...found
      .filter((folder) => !expected.includes(folder))
      .map((folder) => `${file}: refers to ${folder}, no dependency`),
  ];
}
