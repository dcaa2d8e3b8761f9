/**
 * Whether an experiment type-checks, where its project has TypeScript: bundling strips types without looking at them. The
 * check runs beside the run, at the lowest priority, and decides nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, setPriority } from 'node:os';
import { dirname, extname, join, parse } from 'node:path';
import type { Project } from '@lockstep/inference';

/** What the compiler says of a place: `experiment.ts:12:5: message`. */
export interface TypeProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface TypeCheck {
  /** Ends it if it is still at work; it then reports nothing. */
  stop(): void;
}

const typed = ['.ts', '.mts', '.cts'];

/**
 * Missing declarations of packages, or of Node: nothing that the experiment does wrong. A package that is missing
 * itself is another error.
 */
const notOurs = new Set([2307, 2580, 2591, 2792, 7016]);

/** Checks the file in a process of its own; `report` is called once if there are problems, and not at all if there are none. */
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
    // It is an extra: where it cannot run there is nothing to say.
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
      // One thread from the version on that has several.
      const options = Number.parseInt(version, 10) >= 7 ? ['--singleThreaded'] : [];
      return { script: join(dirname(manifest), bin.tsc), options };
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}

/** The user's own rules where there are some, for this one file. */
function configOf(path: string, { root }: Project): object {
  const own = nearest(dirname(path), 'tsconfig.json');
  const hasNode = nearest(dirname(path), join('node_modules', '@types', 'node')) !== undefined;
  return {
    ...(own !== undefined && { extends: own }),
    compilerOptions: {
      // Without rules of the user's, what is wrong under any: parameters without a type are not.
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

/** In a group of its own: an interrupt of the terminal is for the run. */
function start({ script, options }: Compiler, config: string): ChildProcess {
  const child = spawn(process.execPath, [script, '-p', config, '--pretty', 'false', ...options], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or nobody may do this here.
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

/** The compiler starts a program of its own. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** The lines `file(line,column): error TS1234: message`; more about one follows indented. */
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

/** How many of them people are shown. */
const numShown = 5;

/** A warning in a few lines. */
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
