/**
 * Type-checks an experiment if its project has TypeScript, because bundling strips types without checking them. The check runs
 * beside the run with the lowest priority, and has no effect on it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, setPriority } from 'node:os';
import { dirname, extname, join, parse } from 'node:path';
import type { Project } from '@lockstep/inference';

/** A message of the compiler with its place, as in `experiment.ts:12:5: message`. */
export interface TypeProblem {
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface TypeCheck {
  /** Ends the check if it still runs; it then reports nothing. */
  stop(): void;
}

const typed = ['.ts', '.mts', '.cts'];

/**
 * Errors about missing declarations of packages or of Node, which are no mistakes of the experiment. A missing package has
 * another error.
 */
const notOurs = new Set([2307, 2580, 2591, 2792, 7016]);

/** Checks the file in a process of its own. Calls `report` once if there are problems, else never. */
export function startTypeCheck(
  path: string,
  project: Project,
  report: (problems: readonly TypeProblem[]) => void,
): TypeCheck {
  const compiler = typed.includes(extname(path)) ? findCompiler(path, project) : undefined;
  if (compiler === undefined) return { stop: () => undefined };
  let child: ChildProcess | undefined;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    if (child?.pid !== undefined && child.exitCode === null) killGroup(child.pid);
  };
  process.once('exit', stop);
  const config = join(project.cache, `type-check-${process.pid}.json`);
  void (async () => {
    await mkdir(project.cache, { recursive: true });
    await writeFile(config, JSON.stringify(configOf(path, project)));
    if (stopped) return;
    child = start(compiler, config);
    const problems = problemsIn(await outputOf(child));
    if (!stopped && problems.length > 0) report(problems);
  })()
    // The check is optional: if it cannot run, it reports nothing.
    .catch(() => undefined)
    .finally(() => {
      process.removeListener('exit', stop);
      void rm(config, { force: true });
    });
  return { stop };
}

interface Compiler {
  readonly script: string;
  readonly options: readonly string[];
}

/** The compiler of the experiment's project. */
function findCompiler(path: string, project: Project): Compiler | undefined {
  for (const origin of [path, join(project.root, 'package.json')]) {
    try {
      const manifest = createRequire(origin).resolve('typescript/package.json');
      const { version, bin } = JSON.parse(readFileSync(manifest, 'utf8')) as {
        readonly version: string;
        readonly bin: { readonly tsc: string };
      };
      // Versions that can use several threads are limited to one.
      const options = Number.parseInt(version, 10) >= 7 ? ['--singleThreaded'] : [];
      return { script: join(dirname(manifest), bin.tsc), options };
    } catch {
      // The project has no TypeScript.
    }
  }
  return undefined;
}

/** Options of the user's project if it has any, for this one file. */
function configOf(path: string, { root }: Project): object {
  const own = nearest(dirname(path), 'tsconfig.json');
  const hasNode = nearest(dirname(path), join('node_modules', '@types', 'node')) !== undefined;
  return {
    ...(own !== undefined && { extends: own }),
    compilerOptions: {
      // Without options of the user, only mistakes under any options are reported, not parameters without a type.
      ...(own === undefined && { strict: false }),
      module: 'nodenext',
      moduleResolution: 'nodenext',
      target: 'es2022',
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      types: hasNode ? ['node'] : [],
      typeRoots: [join(root, 'node_modules', '@types')],
      noEmit: true,
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      rewriteRelativeImportExtensions: false,
    },
    files: [path],
    include: [],
  };
}

function nearest(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return join(at, name);
    if (at === parse(at).root) return undefined;
  }
}

/** Runs the compiler in a process group of its own, because an interrupt of the terminal is meant for the run. */
function start({ script, options }: Compiler, config: string): ChildProcess {
  const child = spawn(process.execPath, [script, '-p', config, '--pretty', 'false', ...options], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {
    // The process has ended, or its priority may not be changed here.
  }
  return child;
}

function outputOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    child.once('error', reject).once('close', () => resolve(text));
  });
}

/** Ends the process group, because the compiler starts a process of its own. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The process has ended.
  }
}

/** Parses lines `file(line,column): error TS1234: message`; further lines about an error are indented. */
export function problemsIn(output: string): TypeProblem[] {
  const lines = output.matchAll(
    /^(?<file>\S.*)\((?<line>\d+),(?<column>\d+)\): error TS(?<code>\d+): (?<message>.*)$/gm,
  );
  return [...lines].flatMap(({ groups }) => {
    const { file, line, column, code, message } = groups as Record<string, string>;
    if (notOurs.has(Number(code)) || /(^|[\\/])node_modules[\\/]/.test(file!)) return [];
    return [{ file: file!, line: Number(line), column: Number(column), message: message! }];
  });
}

/** How many problems people are shown. */
const numShown = 5;

/** A warning of a few lines. */
export function describeProblems(problems: readonly TypeProblem[]): string[] {
  const shown = problems.slice(0, numShown).map(({ file, line, column, message }) => {
    return `  ${file}:${line}:${column}: ${message}`;
  });
  const rest = problems.length - shown.length;
  return [
    'the experiment does not type-check; the run goes on:',
    ...shown,
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ];
}
