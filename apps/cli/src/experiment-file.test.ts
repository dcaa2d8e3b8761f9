import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadExperiment } from './experiment-file.ts';
import { createProject, type TestProject } from './fixtures/project.ts';

let project: TestProject;
beforeEach(async () => {
  project = await createProject();
});
afterEach(() => project.remove());

async function failure(file: string): Promise<{ code: string; message: string }> {
  return loadExperiment(file).then(
    () => expect.fail(`${file} was taken for an experiment`),
    (error: { code: string; message: string }) => error,
  );
}

describe('loadExperiment', () => {
  it('gives the experiment, and one module for workers with a stable hash', async () => {
    const first = await loadExperiment(project.tiny);
    expect(first).toMatchObject({
      name: 'tiny',
      path: project.tiny,
      experiment: { batch: { size: 12, shards: 4 } },
    });
    expect(Buffer.from(first.bundle).toString()).toContain('defineExperiment');
    expect(first.hash).toMatch(/^[0-9a-f]{64}$/);
    expect((await loadExperiment(project.tiny)).hash).toBe(first.hash);
  });

  it('bundles imports from the folder of the file, and names the experiment after the file', async () => {
    await project.write('parts.ts', `export const size: number = 24;`);
    const path = await project.write(
      'my-run.ts',
      `import { defineExperiment } from 'lockstep';
       import { size } from './parts.ts';
       export default defineExperiment({ batch: { size } });`,
    );
    const { name, experiment } = await loadExperiment(path);
    expect({ name, size: experiment.batch.size }).toEqual({ name: 'my-run', size: 24 });
  });

  it('gives declared parameters their defaults and what is set', async () => {
    expect(await loadExperiment(project.tunable)).toMatchObject({
      name: 'adam',
      params: { size: 12, optimizer: 'adam' },
    });
    expect(await loadExperiment(project.tunable, ['size=24', 'optimizer=sgd'])).toMatchObject({
      ...{ name: 'sgd', params: { size: 24, optimizer: 'sgd' }, experiment: { batch: { size: 24 } } },
    });
    expect(await loadExperiment(project.tiny)).not.toHaveProperty('params');
  });

  it.each([
    ['siz=24', "no parameter 'siz'; did you mean 'size'? it has size, optimizer"],
    ['size=0', "parameter 'size' must be a whole number of at least 1, not '0'"],
    ['optimizer=lion', "parameter 'optimizer' must be 'adam' or 'sgd', not 'lion'"],
    ['size', "'size' sets nothing; write NAME=VALUE, such as size=12"],
  ])('refuses the assignment %s', async (assignment, message) => {
    await expect(loadExperiment(project.tunable, [assignment])).rejects.toMatchObject({
      ...{ code: 'config', message: expect.stringContaining(message) },
    });
  });

  it('names files near a missing one', async () => {
    const near = await project.write('mnist-cnn.ts', '');
    const { code, message } = await failure(join(project.folder, 'mnist-cn.ts'));
    expect(code).toBe('experiment');
    expect(message).toContain(`does not exist; did you mean ${near}?`);
  });

  it('reports a missing folder, and a folder in place of a file', async () => {
    expect((await failure(join(project.folder, 'none', 'x.ts'))).message).toMatch(
      /the folder .*none does not exist either/,
    );
    await mkdir(join(project.folder, 'some'));
    expect((await failure(join(project.folder, 'some'))).message).toMatch(/some is not a file/);
  });

  it('shows the place of a syntax error', async () => {
    const path = await project.write('syntax.ts', 'const a = 1;\nconst x = = 3;\n');
    const { code, message } = await failure(path);
    expect(code).toBe('experiment');
    expect(message).toContain(`${path}:2:11: Unexpected "="\n    const x = = 3;\n              ^`);
  });

  it('says what the file exports instead of an experiment', async () => {
    const named = await project.write('named.ts', 'export const experiment = 1;');
    expect((await failure(named)).message).toMatch(
      /it exports experiment, but no default; end it with `export default/,
    );
    const nothing = await project.write('nothing.ts', 'const x = 1;');
    expect((await failure(nothing)).message).toMatch(/it exports nothing/);
    const plain = await project.write('plain.ts', 'export default { batch: { size: 1 } };');
    expect((await failure(plain)).message).toMatch(
      /its default export is an object not made by defineExperiment/,
    );
    const func = await project.write('func.ts', 'export default () => 1;');
    expect((await failure(func)).message).toMatch(/its default export is a function/);
  });

  it('names the package that is not installed', async () => {
    const path = await project.write(
      'missing.ts',
      `import x from 'not-installed-anywhere';\nexport default x;`,
    );
    expect((await failure(path)).message).toMatch(
      /imports 'not-installed-anywhere', which is not installed; run `npm install not-installed-anywhere`/,
    );
  });

  it('keeps the code of an error that the experiment throws', async () => {
    const path = await project.write(
      'throws.ts',
      `import { defineExperiment } from 'lockstep';
export default defineExperiment({ batch: { size: 0 } });`,
    );
    const { code, message } = await failure(path);
    expect(code).toBe('config');
    expect(message).toContain(`${path}`);
    expect(message).toMatch(/: batch\.size must be a whole number of at least 1, not 0$/);
  });
});
