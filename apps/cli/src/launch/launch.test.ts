/** What `lockstep launch` does before it trains: which folder it takes, when there is nothing to do, and what it refuses. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../cli.ts';
import { createProject, type TestProject } from '../fixtures/project.ts';
import { recordingTerminal } from '../fixtures/recording.ts';
import { trainedRun } from '../fixtures/trained.ts';
import { readAddress, writeAddress } from './address.ts';

let project: TestProject;
beforeEach(async () => {
  project = await createProject();
  vi.stubEnv('MASTER_ADDR', '127.0.0.1');
  vi.stubEnv('RANK', '0');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await project.remove();
});

async function launch(...argv: string[]) {
  const terminal = recordingTerminal();
  const code = await runCommandLine(['launch', ...argv], terminal);
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

const runRoot = () => join(project.folder, 'runs');

describe('a job that is started again after its end', () => {
  it('says how its run ended, in every rank', async () => {
    const folder = await trainedRun(project);
    const ending = { type: 'done', steps: 30, profile: 'portable', fingerprint: 'f'.repeat(64), metrics: {} };
    await writeFile(join(folder, 'events.jsonl'), `${JSON.stringify({ type: 'done', ending })}\n`);
    const words = ['--job', folder.split('/').at(-1)!, '--', 'halves.ts', '--run-root', runRoot()];
    const codeFile = join(project.folder, 'code');
    const first = await launch('--code-file', codeFile, ...words);
    expect(first).toMatchObject({
      code: 0,
      err: "lockstep: rank 0 of PyTorch's variables starts the coordinator\n",
    });
    expect(first.out).toContain('this run has finished already');
    expect(await readdir(project.folder)).toContain('code');
    vi.stubEnv('RANK', '1');
    expect(await launch(...words)).toMatchObject({
      code: 0,
      err: `lockstep: rank 1 of PyTorch's variables: the run ${folder} has finished already\n`,
    });
    expect((await launch('--coordinator', folder)).code).toBe(0);
    vi.stubEnv('RANK', '0');
    const other = await launch(
      '--job',
      folder.split('/').at(-1)!,
      '--',
      project.tiny,
      '--run-root',
      runRoot(),
    );
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/is a run of .*halves\.ts, not of .*tiny\.ts; --job names another run folder/);
  });
});

describe('refused are', () => {
  it('a rank 0 without an experiment', async () => {
    expect(await launch()).toMatchObject({
      code: 2,
      err: expect.stringContaining('needs an experiment: lockstep launch … -- FILE'),
    });
  });

  it('options on the wrong side of --, and those that do not exist', async () => {
    expect((await launch('--', project.tiny, '--keys=keys')).err).toMatch(/--keys=keys stands before --/);
    expect((await launch('--', project.tiny, '--epoch', '3')).err).toMatch(/did you mean --epochs/);
    expect((await launch('--jbo', 'x', '--', project.tiny)).err).toMatch(/did you mean --job/);
  });

  it('a folder that is no run', async () => {
    await mkdir(join(runRoot(), 'mine'), { recursive: true });
    await writeFile(join(runRoot(), 'mine', 'thesis.tex'), '');
    expect(await launch('--job', 'mine', '--', project.tiny, '--run-root', runRoot())).toMatchObject({
      code: 2,
      err: expect.stringContaining('it has thesis.tex and no manifest.json; --job names another'),
    });
  });
});

it('the address of a run is read once it is written', async () => {
  const never = new AbortController().signal;
  await expect(readAddress(project.folder, 0, never)).rejects.toMatchObject({ code: 'lost' });
  await writeAddress(project.folder, '10.0.0.5:7070');
  expect(await readAddress(project.folder, 0, never)).toBe('10.0.0.5:7070');
});
