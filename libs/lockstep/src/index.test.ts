/** Compares what users can import with the exports of the libraries and the names in the documentation. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as autodiff from '@lockstep/autodiff';
import * as data from '@lockstep/data';
import * as errors from '@lockstep/errors';
import * as formats from '@lockstep/formats';
import * as inference from '@lockstep/inference';
import * as nn from '@lockstep/nn';
import * as onnx from '@lockstep/onnx';
import * as optim from '@lockstep/optim';
import * as params from '@lockstep/params';
import * as search from '@lockstep/search';
import * as sweep from '@lockstep/sweep';
import * as training from '@lockstep/training';
import * as tree from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import * as extend from './extend.ts';
import * as lockstep from './index.ts';

type Names = Readonly<Record<string, unknown>>;
const published: Names = lockstep;
const root = new URL('../../../', import.meta.url);

/** Names of each library that `lockstep` does not export. It exports all others under their own names. */
const omitted: Readonly<Record<string, { readonly library: Names; readonly names: readonly string[] }>> = {
  autodiff: { library: autodiff, names: Object.keys(extend) },
  /** Initialisers are in `initializers`; those with the name of an op are only there. */
  nn: {
    library: nn,
    names: [
      'applied',
      'asLayer',
      'fill',
      'firstUnnamed',
      'identity',
      'initialize',
      'unnamedText',
      'watchLayers',
      'watchNames',
    ],
  },
  /** `identity` would be the third function with this name; only the trainer needs `skipsNonFinite`. */
  optim: { library: optim, names: ['identity', 'skipsNonFinite'] },
  formats: { library: formats, names: ['foreignKind'] },
  onnx: { library: onnx, names: ['initialVariables'] },
  /** Functions of the trainer. */
  data: {
    library: data,
    names: [
      'createDataset',
      'createDatasetCache',
      'encodeRecords',
      'evaluationSamples',
      'fillBatch',
      'formOfDataset',
      'parseIdx',
      'readNewRows',
      'rowsPerShard',
      'shareable',
      'stepSamples',
      'stepsPerEpoch',
      'widthOf',
    ],
  },
};

/** Names that a layer and an op share: `lockstep` has the layer, `ops` the op. */
const layersBeforeOps = [
  'adaptiveAvgPool',
  'adaptiveAvgPool1d',
  'adaptiveMaxPool',
  'avgPool',
  'avgPool1d',
  'conv1d',
  'conv2d',
  'convTranspose1d',
  'convTranspose2d',
  'maxPool',
  'maxPool1d',
  'prelu',
];
/** Names that an initialiser and an op share: `lockstep` has the op, `initializers` the initialiser. */
const opsBeforeInitializers = ['normal', 'ones', 'truncatedNormal', 'uniform', 'zeros'];

describe('lockstep', () => {
  it.each(Object.entries(omitted))(
    'has all exports of %s that are meant for users',
    (_, { library, names }) => {
      const missing = Object.keys(library).filter((name) => !(name in published));
      expect(missing.sort()).toEqual([...names].sort());
    },
  );

  it.each(Object.entries(omitted))('gives names of %s one meaning each', (name, { library }) => {
    const elsewhere = name === 'autodiff' ? layersBeforeOps : name === 'nn' ? opsBeforeInitializers : [];
    const others = Object.keys(library).filter((key) => key in published && published[key] !== library[key]);
    expect(others.sort()).toEqual(elsewhere);
  });

  it('has every op in ops and every initialiser in initializers', () => {
    expect(Object.entries(lockstep.ops).filter(([name, op]) => Reflect.get(autodiff, name) !== op)).toEqual(
      [],
    );
    const families = readFileSync(new URL('docs/ops.md', root), 'utf8').matchAll(/^\| `(\w+)` \|/gm);
    expect(Array.from(families, ([, name]) => name!).filter((name) => !(name in lockstep.ops))).toEqual([]);
    expect(lockstep.initializers).toBe(nn.initializers);
    const { ops, initializers, conv2d, normal } = lockstep;
    expect(conv2d(4, 3).kind).toBe('conv2d');
    expect(ops.conv2d(ops.ones([1, 4, 4, 2]), ops.ones([3, 3, 2, 5])).shape).toEqual([1, 4, 4, 5]);
    const key = ops.keyTensor(1);
    expect(normal(key, [2]).shape).toEqual([2]);
    expect(initializers.normal(0.1)(key, [2]).shape).toEqual([2]);
  });

  it('exports nothing that no library has', () => {
    const named: Names = {
      ops: lockstep.ops,
      flattenTree: tree.flatten,
      leafPaths: tree.leafPaths,
      markFrozen: tree.markFrozen,
      mapTree: tree.map,
      unflattenTree: tree.unflatten,
      defineExperiment: training.defineExperiment,
      scaleWithBatch: training.scaleWithBatch,
      param: params.param,
      minimize: search.minimize,
      maximize: search.maximize,
      createStudy: search.createStudy,
      hypervolume: search.hypervolume,
      importances: search.importances,
      paretoFront: search.paretoFront,
      // Tables of functions of @lockstep/search.
      search: lockstep.search,
      space: lockstep.space,
      stopping: lockstep.stopping,
      defineSweep: sweep.defineSweep,
      loadRun: inference.loadRun,
      // Its own function, which loads @lockstep/replay when it is called.
      inspectRun: lockstep.inspectRun,
      LockstepError: errors.LockstepError,
    };
    const libraries = Object.values(omitted).map(({ library }) => library);
    const known = (name: string): boolean =>
      named[name] === published[name] || libraries.some((library) => library[name] === published[name]);
    expect(Object.keys(published).filter((name) => !known(name))).toEqual([]);
  });

  it('maps over trees of parameters', () => {
    const params = { layers: [{ w: lockstep.tensor([1, 2]) }, lockstep.tensor(3)] as const };
    const steps = lockstep.mapTree((p, q) => p.sub(q.mul(0.5)), params, params);
    expect(steps.layers[0].w.toArray()).toEqual([0.5, 1]);
    expect(lockstep.leafPaths(params)).toEqual(['layers/0/w', 'layers/1']);
    const { structure, leaves } = lockstep.flattenTree(params);
    expect(lockstep.unflattenTree(structure, leaves)).toEqual(params);
  });
});

/** Types do not exist at run time, so they are read from the sources. */
const typesOf = (path: string): string[] =>
  Array.from(
    readFileSync(new URL(path, import.meta.url), 'utf8').matchAll(/^export type \{([^}]*)\}/gm),
  ).flatMap(([, list]) =>
    list!
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
const types = new Set([...typesOf('./index.ts'), ...typesOf('./ops.ts')]);

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'experiments/README.md',
  'bench/README.md',
  ...['docs/', 'docs/decisions/'].flatMap((folder) =>
    readdirSync(new URL(folder, root))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}${file}`),
  ),
];

describe('lockstep/extend', () => {
  it('has the exports of autodiff that lockstep does not have', () => {
    const others = Object.keys(autodiff).filter((name) => !(name in published));
    expect(Object.keys(extend).sort()).toEqual(others.sort());
    expect(Object.entries(extend).filter(([name, value]) => Reflect.get(autodiff, name) !== value)).toEqual(
      [],
    );
  });

  it('has the types of autodiff that lockstep does not have', () => {
    const others = typesOf('../../autodiff/src/index.ts').filter((name) => !types.has(name));
    expect(typesOf('./extend.ts').sort()).toEqual(others.sort());
  });

  it('has what builds a primitive and runs a program', () => {
    const double = extend.traceProgram((x) => [x!.add(x!)], [lockstep.tensor([1, 2])]);
    const [result] = extend.evaluateProgram(double, [lockstep.tensor([1, 2])]);
    expect(result!.toArray()).toEqual([2, 4]);
    expect(extend.allPrimitives().length).toBeGreaterThan(20);
  });
});

describe('documentation', () => {
  it.each(pages)('%s imports names that exist', (page) => {
    const text = readFileSync(new URL(page, root), 'utf8');
    const imported = Array.from(text.matchAll(/^import \{([^}]*)\} from 'lockstep';/gm)).flatMap(([, list]) =>
      list!
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    );
    const missing = imported.filter((item) => {
      const name = item.replace(/^type /, '');
      return !(name in published) && !types.has(name);
    });
    expect(missing).toEqual([]);
  });

  it.each(pages)('%s links to files and headings that exist', (page) => {
    const text = readFileSync(new URL(page, root), 'utf8').replaceAll(/^```.*?^```$|`[^`\n]*`/gms, '');
    const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link!);
    const broken = links.filter(
      (link) => !link.includes('://') && !isThere(new URL(link, new URL(page, root))),
    );
    expect(broken).toEqual([]);
  });

  it('names every library in docs/architecture.md', () => {
    const text = readFileSync(new URL('docs/architecture.md', root), 'utf8');
    const packages = ['libs', 'apps'].flatMap((folder) => readdirSync(new URL(folder, root)));
    expect(packages.filter((name) => !new RegExp(`^\\| \\d+ \\| \\[${name}\\]`, 'm').test(text))).toEqual([]);
  });
});

/** Whether the file of a link exists and has the heading that the link names. */
function isThere(link: URL): boolean {
  const file = new URL(link.pathname, link);
  if (!existsSync(file)) return false;
  if (link.hash === '') return true;
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm);
  return Array.from(headings, ([, heading]) => anchorOf(heading!)).includes(link.hash.slice(1));
}

/** The name that a heading has in links on GitHub. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
