/** Creates the files and runs the commands of docs/your-data.md in the order of the page, as a reader would. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

// The commands of the page run one after the other.
vi.setConfig({ testTimeout: 180_000 });

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(join(root, 'docs/your-data.md'), 'utf8');
const blocks = [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(([, language, name, body]) => ({
  language: language!,
  name: name!,
  body: body!,
}));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-your-data-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function shell(command: string): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8' });
  expect(`${status} ${stderr}`).toMatch(/^0 /);
  return stdout;
}

function block(name: string): string {
  const found = blocks.find((one) => one.name === name);
  if (found === undefined) throw new Error(`docs/your-data.md has no block ${name}`);
  return found.body;
}

describe('docs/your-data.md', () => {
  it('trains, predicts and goes on from its own blocks', () => {
    const printed: string[] = [];
    for (const { language, name, body } of blocks) {
      if (language === 'sh') printed.push(...body.trim().split('\n').map(shell));
      else writeFileSync(join(folder, name), body);
    }
    const [, predicted, json] = printed;
    expect(predicted!.split('\n').map((line) => line.split('\t')[1])).toEqual(['small', 'large', undefined]);
    const rows = json!
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map((row) => [row.row, row.class])).toEqual([
      [1, 'small'],
      [2, 'large'],
    ]);
    const shown = /^```\n(Parameters of .*?)^```$/ms.exec(text)![1]!;
    expect(printed.at(-1)).toContain(shown);
    expect(shell('node predict.mjs')).toBe("small large [ 'large', 'small' ]\n");
  });

  it('gives the line of its own loss', () => {
    writeFileSync(join(folder, 'line.csv'), block('line.csv'));
    writeFileSync(join(folder, 'line.ts'), block('line.ts'));
    shell('npx lockstep train line.ts --run-root lines --json');
    writeFileSync(join(folder, 'next.csv'), 'x\n10\n');
    const { output } = JSON.parse(shell('npx lockstep predict lines/* next.csv --json')) as {
      output: number;
    };
    expect(output).toBeCloseTo(21, 1);
  });

  it('makes a layer that a model can use', () => {
    writeFileSync(join(folder, 'scale.ts'), block('scale.ts'));
    const program =
      "import { sequential, summary, dense } from 'lockstep'; import { scale } from './scale.ts'; console.log(String(summary(sequential(scale(), dense(2)), [3])));";
    writeFileSync(join(folder, 'use.ts'), program);
    const printed = shell(
      'npx esbuild use.ts --bundle --packages=external --format=esm --outfile=use.mjs --log-level=error && node use.mjs',
    );
    expect(printed).toContain('scale');
  });
});
