/** The code of README.md runs with the stated results and equals the files that it names. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as autodiff from '@lockstep/autodiff';
import * as data from '@lockstep/data';
import * as nn from '@lockstep/nn';
import * as optim from '@lockstep/optim';
import { defineExperiment, type Experiment, resolveConfig, trainLocally } from '@lockstep/training';
import { describe, expect, it } from 'vitest';
import { blocksOf, execute, readText } from './documentation.ts';

const page = readText('../../README.md');
const [mnist, points, alone, ...others] = blocksOf(page, 'ts') as [string, string, string, ...string[]];

/** A program without imports, comments and formatting. */
const bare = (code: string): string =>
  code
    .replace(/^import [^;]*;$/gm, '')
    .replace(/\/\*.*?\*\//gs, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/\s/g, '')
    .replace(/,(?=[)\]}])/g, '');

describe('README.md', () => {
  it('shows on its first screen how to train here, on several machines, and to the same result again, and a sweep', () => {
    const [screen] = page.split('\n## Install\n') as [string];
    expect(screen.split('\n').length).toBeLessThanOrEqual(65);
    const uses = screen.split(/^\*\*\d\. /m).slice(1);
    expect(uses).toHaveLength(4);
    expect(uses[0]).toContain('npm start');
    expect(uses[1]).toMatch(/lockstep coordinator .*lockstep worker .*docker compose up/s);
    expect(uses[2]).toMatch(/--seed .*--seed .*lockstep resume/s);
    expect(uses[3]).toMatch(/lockstep sweep .*--workers/);
  });

  it('shows experiments/mnist-cnn.ts as it is', () => {
    expect(bare(mnist)).toBe(bare(readText('../../experiments/mnist-cnn.ts')));
  });

  it('shows an experiment on points that trains', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-readme-'));
    const path = join(folder, 'points.csv');
    const rows = Array.from({ length: 128 }, (_, i) => [(i % 16) - 8, (i % 9) - 4]);
    writeFileSync(path, `a,b,y\n${rows.map(([a, b]) => `${a},${b},${a! > b! ? 1 : 0}`).join('\n')}\n`);
    const library = { ...autodiff, ...nn, ...optim, ...data, normal: autodiff.normal, zeros: autodiff.zeros };
    const names = 'csv, normal, sgd, zeros, defineExperiment';
    const code = `import { ${names} } from 'lockstep';\n${points.replace('points.csv', path)}`;
    const experiment = execute(code, { ...library, defineExperiment }) as Experiment;
    const dataset = await experiment.data.load();
    const config = resolveConfig(experiment, { epochs: 50 });
    const { history } = trainLocally({ experiment, dataset, config });
    rmSync(folder, { recursive: true });
    expect(history.at(-1)!.loss!).toBeLessThan(history[0]!.loss!);
  });

  it('shows the library alone, with its results', () => {
    expect(others).toEqual([]);
    expect.assertions(1 + alone.match(/\/\/ → /g)!.length);
    execute(alone, autodiff);
  });

  it('links to files that are there', () => {
    const links = Array.from(page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, path]) => path!);
    expect(links.length).toBeGreaterThan(20);
    const missing = links.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)));
    expect(missing).toEqual([]);
  });
});
