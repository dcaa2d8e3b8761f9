import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProject } from '@lockstep/inference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJsonDisplay } from './display/json.ts';
import { createPeopleDisplay } from './display/people.ts';
import { createProject, type TestProject } from './fixtures/project.ts';
import { recordingStream } from './fixtures/recording.ts';
import { problemsIn, startTypeCheck, type TypeProblem } from './type-check.ts';

const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url));

const declarations = `
export declare function defineExperiment(experiment: {
  name?: string; batch: { size: number; shards?: number }; seed?: number; earlyStopping?: { patience: number };
}): unknown;
`;

let project: TestProject;

beforeAll(async () => {
  project = await createProject();
  await project.write('node_modules/lockstep/index.d.ts', declarations);
  for (const name of ['typescript', '@typescript']) {
    await symlink(join(packages, name), join(project.folder, 'node_modules', name));
  }
});

afterAll(() => project.remove());

/** The problems reported for a file, if any. */
const reported = (path: string): Promise<readonly TypeProblem[]> =>
  new Promise((resolve) => startTypeCheck(path, findProject(project.folder), resolve));

describe('the type check of an experiment', () => {
  it('reports file, line and message of mistakes, and only those of the experiment', async () => {
    const path = await project.write(
      'wrong.ts',
      `import { defineExperiment } from 'lockstep';
import { missing } from 'no-such-package';
const rate = (value) => value;
export default defineExperiment({ batch: { size: 12 }, earlyStopping: { pateince: 2 }, seed: rate(process.env.SEED) });
`,
    );
    const problems = await reported(path);
    expect(problems.map(({ line, column }) => [line, column])).toEqual([[4, 73]]);
    expect(problems[0]!.file).toMatch(/wrong\.ts$/);
    expect(problems[0]!.message).toContain("'pateince' does not exist");
  });

  it('follows the rules of the user’s project', async () => {
    await mkdir(join(project.folder, 'strict'));
    await project.write('strict/tsconfig.json', '{ "compilerOptions": { "strict": true } }');
    const path = await project.write('strict/experiment.ts', 'export const rate = (value) => value;\n');
    expect((await reported(path)).map(({ message }) => message)).toEqual([
      "Parameter 'value' implicitly has an 'any' type.",
    ]);
  });

  it('starts no process for JavaScript, or without a compiler', async () => {
    const other = await createProject();
    const never = () => expect.unreachable();
    startTypeCheck(
      await project.write('plain.mjs', 'export default 1;'),
      findProject(project.folder),
      never,
    ).stop();
    startTypeCheck(other.tiny, findProject(other.folder), never).stop();
    await other.remove();
  });
});

describe('output of the compiler', () => {
  it('is parsed line by line, without mistakes of packages or missing declarations', () => {
    const output = `../a b/x.ts(3,5): error TS2353: Object literal may only specify known properties.
  Type 'x' is not assignable.
node_modules/lib/index.ts(1,1): error TS2322: Type 'a' is not 'b'.
y.ts(2,20): error TS2307: Cannot find module 'z'.
`;
    expect(problemsIn(output)).toEqual([
      {
        file: '../a b/x.ts',
        line: 3,
        column: 5,
        message: 'Object literal may only specify known properties.',
      },
    ]);
    expect(problemsIn('error TS5023: Unknown compiler option.')).toEqual([]);
  });

  it('becomes a warning for people and an event for programs', () => {
    const problems = Array.from({ length: 7 }, (_, i) => ({
      file: 'x.ts',
      line: i + 1,
      column: 2,
      message: 'no',
    }));
    const [people, json] = [recordingStream(), recordingStream()];
    createPeopleDisplay(people).typeErrors(problems);
    createJsonDisplay(json).typeErrors(problems.slice(0, 1));
    expect(people.text().split('\n').slice(0, 2)).toEqual([
      '  the experiment does not type-check; the run goes on:',
      '    x.ts:1:2: no',
    ]);
    expect(people.text()).toContain('… and 2 more');
    expect(JSON.parse(json.text())).toEqual({ event: 'typeErrors', problems: problems.slice(0, 1) });
  });
});
