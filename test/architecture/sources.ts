/** Rules on source files. A rule returns a sentence for each violation. */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { imports, mathUses } from './syntax.ts';
import {
  allDependencies,
  type Manifest,
  type Package,
  type SourceFile,
  type Workspace,
} from './workspace.ts';

const MAX_LINES = 500;

/** The only folder that may import ZeroMQ. */
const ZEROMQ_HOME = 'libs/transport/';

/**
 * Files that may use the engine's transcendental functions. Float64 kernels serve checks and teaching and never reach a
 * trained parameter, and neither do the places of points in drawings. All other code uses our own polynomials, because the engine's
 * functions differ between Node versions.
 */
const OWN_MATH_EXEMPT =
  /^libs\/kernels\/src\/reference\/float64[^/]*\.ts$|^libs\/view\/src\/sweep\/scale\.ts$|\.(test|bench)\.ts$|\/fixtures\/|^(test|bench|tools)\//;

/** AssemblyScript has the syntax of TypeScript; its Math is compiled in and gives the same bits everywhere. */
const ASSEMBLY = /^libs\/kernels\/assembly\//;

/** Files of tests and benches, which never reach a user. */
const DEVELOPMENT = /\.(test|bench)\.ts$|\/src\/(.*\/)?fixtures\/|^test\//;

/** Few functions may exceed Biome's limit of lines; an import cycle is allowed if a decision note gives the reason. */
const MAX_LONG_FUNCTIONS = 5;
const SUPPRESSION =
  /biome-ignore(?:-all|-start)? lint\/(?:complexity\/(noExcessiveLinesPerFunction)|suspicious\/noImportCycles): *(.*)/g;
const DECISION = /docs\/decisions\/\d{4}-/;

const GENERATED = /(^|\/)(dist|build|coverage|runs|node_modules|\.nx)\/|\.(tsbuildinfo|wasm|node|log)$/;

export const sourceRules = {
  fileLength,
  ownMath,
  importTargets,
  nothingGenerated,
  suppressions,
} satisfies Record<string, (workspace: Workspace) => string[]>;

function fileLength({ sources }: Workspace): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1;
    return lines < MAX_LINES ? [] : [`${path}: ${lines} lines; split it below ${MAX_LINES}`];
  });
}

function ownMath({ sources }: Workspace): string[] {
  return scripts(sources)
    .filter(({ path }) => !OWN_MATH_EXEMPT.test(path))
    .flatMap((file) =>
      mathUses(file).map(
        ({ line, what }) => `${file.path}:${line}: ${what} does not give the same bits everywhere`,
      ),
    );
}

function importTargets({ root, packages, sources }: Workspace): string[] {
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  const entries = new Set(packages.flatMap(({ manifest }) => entriesOf(manifest)));
  return scripts(sources).flatMap((file) => {
    const home = packages.find(({ folder }) => file.path.startsWith(`${folder}/`)) ?? root;
    const check = { file, home, names, entries, declared: declaredFor(file, home, root) };
    return imports(file).flatMap(({ line, specifier }) => {
      const problem = importProblem(specifier, check);
      return problem === undefined ? [] : [`${file.path}:${line}: imports '${specifier}', ${problem}`];
    });
  });
}

interface ImportCheck {
  readonly file: SourceFile;
  readonly home: Package;
  readonly names: ReadonlySet<string | undefined>;
  /** What may be imported from packages of the workspace. */
  readonly entries: ReadonlySet<string>;
  readonly declared: ReadonlySet<string>;
}

/** `lockstep` and `lockstep/extend`. */
const entriesOf = ({ name = '', exports }: Manifest): string[] =>
  Object.keys(exports ?? {}).map((entry) => posix.join(name, entry));

function importProblem(
  specifier: string,
  { file, home, names, entries, declared }: ImportCheck,
): string | undefined {
  if (specifier.startsWith('.'))
    return relativeProblem(posix.join(posix.dirname(file.path), specifier), home);
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? undefined : 'which is written node:…';
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  if (names.has(name) && !entries.has(specifier)) return `another package's internals`;
  if (name === home.manifest.name) return isLibrarySource(file) ? 'its own package' : undefined;
  if (name === 'zeromq' && !file.path.startsWith(ZEROMQ_HOME)) return `only ${ZEROMQ_HOME} may`;
  return declared.has(name) ? undefined : `which ${posix.join(home.folder, 'package.json')} does not declare`;
}

function relativeProblem(target: string, home: Package): string | undefined {
  const inside =
    home.folder === '' ? !/^(libs|apps|test)\//.test(target) : target.startsWith(`${home.folder}/`);
  return inside ? undefined : `another package's internals`;
}

/** Fixtures and launchers import their own built package by its name; library sources must not. */
function isLibrarySource({ path }: SourceFile): boolean {
  return /\/src\/(?!fixtures\/).*\.ts$/.test(path) && !DEVELOPMENT.test(path);
}

/** Tests and benches may also import the development dependencies of the root manifest. */
function declaredFor({ path }: SourceFile, home: Package, root: Package): Set<string> {
  const own = Object.keys(allDependencies(home.manifest));
  const tools = DEVELOPMENT.test(path) ? Object.keys(root.manifest.devDependencies ?? {}) : [];
  return new Set([...own, ...tools]);
}

function nothingGenerated({ tracked }: Workspace): string[] {
  return tracked
    .filter((path) => GENERATED.test(path))
    .map((path) => `${path}: is generated and must not be committed`);
}

function suppressions({ sources }: Workspace): string[] {
  const found = sources.flatMap(({ path, text }) =>
    Array.from(text.matchAll(SUPPRESSION), ([, long, reason]) => ({
      path,
      isLong: long !== undefined,
      reason,
    })),
  );
  const long = found.filter(({ isLong }) => isLong).map(({ path }) => path);
  return [
    ...(long.length > MAX_LONG_FUNCTIONS
      ? [
          `${long.length} long functions are excepted, at most ${MAX_LONG_FUNCTIONS} may be: ${long.join(', ')}`,
        ]
      : []),
    ...found
      .filter(({ isLong, reason }) => !isLong && !DECISION.test(reason ?? ''))
      .map(
        ({ path }) => `${path}: an import cycle needs a note in docs/decisions, which its suppression names`,
      ),
  ];
}

function scripts(sources: readonly SourceFile[]): SourceFile[] {
  return sources.filter(({ path }) => /\.(ts|mts|js|mjs|cjs)$/.test(path) && !ASSEMBLY.test(path));
}
