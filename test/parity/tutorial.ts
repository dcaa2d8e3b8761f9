/** A tutorial of the docs whose blocks a test runs in a folder of its own, as a reader would. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A block of code, named by the file that it is saved as. A block without a language is what the commands before it print. */
export interface Block {
  readonly language: string;
  readonly name: string;
  readonly body: string;
}

export interface Tutorial {
  readonly page: string;
  readonly blocks: readonly Block[];
  /** The reader's folder, while tests run. */
  folder(): string;
  /** Runs commands there, and stops at the first that fails. */
  shell(commands: string): {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  };
}

/** @param links what the reader's folder has besides the packages, by name: paths in the clone */
export function openTutorial(document: string, links: Readonly<Record<string, string>> = {}): Tutorial {
  const page = readFileSync(join(root, document), 'utf8');
  const blocks = [...page.matchAll(/^```(\w*) ?(\S*)\n(.*?)^```$/gms)].map(([, language, name, body]) => ({
    language: language!,
    name: name!,
    body: body!,
  }));
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-tutorial-'));
    const all = { node_modules: 'node_modules', ...links };
    for (const [name, path] of Object.entries(all)) symlinkSync(join(root, path), join(folder, name));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    page,
    blocks,
    folder: () => folder,
    shell: (commands) => spawnSync('bash', ['-ec', commands], { cwd: folder, encoding: 'utf8' }),
  };
}
