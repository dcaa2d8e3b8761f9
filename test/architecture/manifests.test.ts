import { describe, expect, it } from 'vitest';
import { manifestRules } from './manifests.ts';
import { closedExports, publicExports, sound, withManifest } from './rules.fixture.ts';

const { names, layers, directions, strangers, exactVersions, references } = manifestRules;

describe('manifest rules', () => {
  for (const [name, rule] of Object.entries(manifestRules)) {
    it(`${name}: accepts a sound workspace`, () => expect(rule(sound)).toEqual([]));
  }

  it('names: the folder names the package', () => {
    expect(names(withManifest('libs/tree', { name: '@lockstep/trees' }))).toEqual([
      'libs/tree: its name is @lockstep/trees, expected @lockstep/tree',
    ]);
    expect(names(withManifest('libs/lockstep', { name: '@lockstep/lockstep' }))).toHaveLength(1);
  });

  it('layers: declared, and in the range of its folder', () => {
    expect(layers(withManifest('libs/tree', { lockstep: {} }))).toEqual([
      'libs/tree: lockstep.layer is undefined, expected the number of its layer',
    ]);
    expect(layers(withManifest('libs/tree', { lockstep: { layer: 10 } }))).toHaveLength(1);
    expect(layers(withManifest('apps/cli', { lockstep: { layer: 9 } }))).toHaveLength(1);
    expect(layers(withManifest('test', { lockstep: { layer: 10 } }))).toHaveLength(1);
  });

  it('directions: only lower layers, errors from anywhere', () => {
    expect(directions(withManifest('libs/errors', { dependencies: { '@lockstep/tree': '0.1.0' } }))).toEqual([
      'libs/errors: layer 0 depends on @lockstep/tree of layer 0; only lower layers may be imported',
    ]);
    expect(directions(withManifest('libs/tree', { devDependencies: { lockstep: '0.1.0' } }))).toHaveLength(1);
    expect(
      directions(withManifest('libs/lockstep', { dependencies: { '@lockstep/cli': '0.1.0' } })),
    ).toHaveLength(1);
  });

  it('directions: only the command builds on apps', () => {
    const backwards = withManifest('apps/coordinator', { dependencies: { '@lockstep/cli': '0.1.0' } });
    expect(directions(backwards)).toHaveLength(1);
  });

  it('strangers: not even through others', () => {
    const throughTransport = withManifest('libs/transport', { dependencies: { lockstep: '0.1.0' } });
    expect(strangers(throughTransport)).toEqual([
      '@lockstep/coordinator: must know nothing of @lockstep/autodiff',
      '@lockstep/transport: must know nothing of @lockstep/autodiff',
    ]);
    const otherWay = withManifest('libs/autodiff', { dependencies: { '@lockstep/transport': '0.1.0' } });
    expect(strangers(otherWay)).toEqual(['@lockstep/autodiff: must know nothing of @lockstep/transport']);
  });

  it('closedExports: one entry, from source or build, and lockstep/extend', () => {
    const { closedExports: rule } = manifestRules;
    expect(
      rule(withManifest('libs/tree', { exports: { ...closedExports, './src/*': './src/*' } })),
    ).toHaveLength(1);
    expect(rule(withManifest('libs/tree', { exports: './dist/index.js' }))).toHaveLength(1);
    expect(rule(withManifest('libs/tree', { exports: publicExports }))).toHaveLength(1);
    expect(rule(withManifest('libs/lockstep', { exports: closedExports }))).toHaveLength(1);
    const more = { ...publicExports, './more': publicExports['./extend'] };
    expect(rule(withManifest('libs/lockstep', { exports: more }))).toHaveLength(1);
    expect(rule(withManifest('test', { exports: closedExports }))).toEqual(['test: exports nothing']);
  });

  it('exactVersions: no ranges, and one version', () => {
    for (const range of ['^6.8.0', '~6.8.0', '6.x', '*', 'latest', 'workspace:*']) {
      const faults = exactVersions(withManifest('libs/transport', { dependencies: { zeromq: range } }));
      expect(faults).toEqual([`libs/transport: zeromq ${range} is not an exact version`]);
    }
    expect(exactVersions(withManifest('libs/tree', { devDependencies: { vitest: '4.1.11' } }))).toEqual([
      'libs/tree: vitest 4.1.11, but package.json has 4.1.12',
    ]);
  });

  it('references: the dependencies, no more and no less', () => {
    expect(references(withManifest('libs/tree', { dependencies: {} }))).toEqual([
      'libs/tree/tsconfig.json: refers to libs/errors, no dependency',
    ]);
    const lacking = withManifest('libs/errors', { dependencies: { '@lockstep/tree': '0.1.0' } });
    expect(references(lacking)).toEqual(['libs/errors/tsconfig.json: lacks a reference to libs/tree']);
    expect(references({ ...sound, root: { ...sound.root, references: undefined } })).toEqual([
      'tsconfig.json: is missing',
    ]);
  });
});
