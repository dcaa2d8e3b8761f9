/**
 * Tests run the sources, and each package is a project: `npx vitest run --project autodiff`. Modes:
 *   test      (default) packages, architecture, golden values, and one short run of each kind in `cluster`
 *   thorough  packages again, with all random cases and grids that the short tests sample
 *   long      suites that take minutes or need special machines: `--mode long --project parity`
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Sources are resolved, not builds. */
const resolve = { conditions: ['source', 'module', 'node', 'development|production'] };

/**
 * Projects with a process for each test file, because files replace modules, share the memory of kernels or measure memory. In the
 * other projects, files share processes and loaded modules: to start a process and load modules for each file took longer
 * than the tests.
 */
const isolated = ['collectives', 'kernels', 'memory'];

const packages = ['libs', 'apps'].flatMap((folder) =>
  readdirSync(folder).map((name) => ({ name, root: `${folder}/${name}/src` })),
);
const suites = (...names: string[]) =>
  names.filter((name) => existsSync(`test/${name}`)).map((name) => ({ name, root: `test/${name}` }));

/** All projects have the workspace as their root, so that they share a cache of transformed modules. */
const projects = (folders: readonly { readonly name: string; readonly root: string }[]) =>
  folders.map(({ name, root }) => ({
    extends: true as const,
    test: { name, include: [`${root}/**/*.test.ts`], isolate: isolated.includes(name) },
  }));

const modes = {
  test: { projects: projects([...packages, ...suites('architecture', 'golden', 'cluster')]) },
  thorough: { projects: projects([...packages, ...suites('golden')]), env: { LOCKSTEP_THOROUGH: '1' } },
  // Each test starts more processes than there are cores.
  long: {
    projects: projects(
      suites('parity', 'chaos', 'memory', 'network', 'containers', 'page', 'slurm', 'kubernetes'),
    ),
    fileParallelism: false,
  },
};

export default defineConfig(({ mode }) => ({
  resolve,
  ssr: { resolve },
  test: {
    // Time limits only end hanging tests. Tests start processes, which are slow on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: '100%',
    experimental: { fsModuleCache: true },
    ...modes[mode in modes ? (mode as keyof typeof modes) : 'test'],
  },
}));

// Vitest evaluates this file once for each few projects.
const printsTime = Symbol.for('lockstep.printsTime');
if (!(printsTime in process)) {
  Object.defineProperty(process, printsTime, { value: true });
  process.once('exit', () => console.log(timeTaken()));
}

/** Time of this process and of all its children, whose processor time is known only on Linux. */
function timeTaken(): string {
  const wall = `${process.uptime().toFixed(0)} s`;
  if (!existsSync('/proc/self/stat')) return `   Wall time ${wall}`;
  // Fields 14 to 17 of proc_pid_stat(5), in hundredths of a second; the second field may contain spaces.
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const seconds = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
  return `   Wall time ${wall}, processor time ${seconds.toFixed(0)} s with all children`;
}
