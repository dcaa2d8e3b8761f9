import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestRoot, finished, journal, manifest, type TestRoot } from './fixtures/folders.ts';
import { identityOf } from './identity.ts';
import { readRun } from './read.ts';

let root: TestRoot;
beforeAll(async () => {
  root = await createTestRoot();
});
afterAll(() => root.remove());

let numRuns = 0;
async function identityAfter(changes: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  return identityOf(await readRun(await root.write(`run-${numRuns++}`, { ...finished, ...changes })));
}

const manifestWith = (fields: object) => ({ 'manifest.json': { ...manifest, ...fields } });
const configWith = (fields: object) => manifestWith({ config: { ...manifest.config, ...fields } });
const journalWith = (entry: { readonly type: string }) => ({
  'journal.jsonl': journal.map((one) => (one.type === entry.type ? { ...one, ...entry } : one)),
});

it.each([
  ['a comment in the experiment', manifestWith({ experiment: { file: '/project/digits.ts', hash: 'e2' } })],
  ['another machine', manifestWith({ machine: { host: 'there', cores: 64 } })],
  ['another time and command', manifestWith({ createdAt: '2027-01-01T00:00:00.000Z', command: ['train'] })],
  ['the order of the settings', configWith({ params: { nesterov: true, rate: 0.1, optimizer: 'adam' } })],
])('%s leaves the identity', async (_, changes) => {
  expect(await identityAfter(changes)).toBe(await identityAfter({}));
});

it.each([
  ['a parameter', configWith({ params: { ...manifest.config.params, rate: 0.2 } })],
  ['a setting', configWith({ batchSize: 64 })],
  ['the seed', configWith({ seed: 8 })],
  ['the profile', journalWith({ type: 'profile', ...{ profile: 'portable' } })],
  ['a program', journalWith({ type: 'programs', ...{ hashes: { step: 'p2', update: 'u1' } } })],
  ['the data', journalWith({ type: 'data', ...{ hash: 'd2' } })],
  ['the build', manifestWith({ builds: ['b2'] })],
  ['another beginning', manifestWith({ parent: { run: 'r', step: 2, stateHash: 's', chain: 'c' } })],
])('%s changes the identity', async (_, changes) => {
  const identity = await identityAfter(changes);
  expect(identity).toMatch(/^[0-9a-f]{64}$/);
  expect(identity).not.toBe(await identityAfter({}));
});

it('branches from the same state have one identity, whatever their parents are called', async () => {
  const from = (run: string, stateHash = 's') =>
    identityAfter(manifestWith({ parent: { run, step: 2, stateHash, chain: 'c' } }));
  expect(await from('r')).toBe(await from('s'));
  expect(await from('r')).not.toBe(await from('r', 't'));
});

it('a run that has not begun to train has no identity', async () => {
  expect(await identityAfter({ 'journal.jsonl': [] })).toBeUndefined();
});
