// Compiles the addons in C++, each unless it is newer than all it is made from. Without a C++ compiler it says so and
// succeeds: there is a slower way for everything. LOCKSTEP_NATIVE=off leaves them out.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

// Contraction into fused multiply-adds is written where it is wanted; anywhere else it would change bits.
const options = [
  ...['-O3', '-std=c++17', '-fPIC', '-shared', '-fvisibility=hidden', '-Wno-psabi'],
  ...['-ffp-contract=off', '-fno-math-errno'],
  ...(process.platform === 'darwin'
    ? ['-undefined', 'dynamic_lookup']
    : ['-static-libstdc++', '-static-libgcc', '-Wl,--exclude-libs,ALL']),
];

const addons = [
  {
    library: 'kernels',
    name: 'native',
    what: 'native kernels',
    instead: 'WebAssembly kernels are used, which are slower',
  },
  // Other systems have no anonymous files that processes could share.
  ...(process.platform === 'linux'
    ? [
        {
          library: 'lanes',
          name: 'shared-memory',
          what: 'shared memory between workers',
          instead: 'those of one host talk over its network, which is slower',
        },
      ]
    : []),
];

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** The first compiler that answers. */
function findCompiler() {
  const { CXX } = process.env;
  const candidates = CXX ? [CXX] : ['c++', 'g++', 'clang++'];
  return candidates.find((command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0);
}

function headersFolder() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    return undefined;
  }
}

/** Compiles libs/<library>/native to libs/<library>/build/<name>.node. */
function build({ library, name, what, instead }) {
  const folder = fileURLToPath(new URL(`../libs/${library}/`, import.meta.url));
  const output = `${folder}build/${name}.node`;
  const log = `${folder}build/${name}.log`;
  const files = readdirSync(`${folder}native`).filter((file) => /\.(cc|h|inc)$/.test(file));
  const newest = Math.max(
    modified(fileURLToPath(import.meta.url)),
    ...files.map((file) => modified(`${folder}native/${file}`)),
  );
  if (modified(output) >= newest) return;
  /** An addon of older sources would be worse than none. */
  const goWithout = (reason, remedy) => {
    rmSync(output, { force: true });
    console.log(`lockstep: no ${what}: ${reason}; ${instead}. ${remedy}`);
  };
  const compiler = findCompiler();
  const headers = headersFolder();
  if (compiler === undefined) {
    goWithout(
      'there is no C++ compiler',
      'Install g++ or clang++, or name one in CXX, and run npm run build.',
    );
    return;
  }
  if (headers === undefined) {
    goWithout('node-api-headers is not installed', 'Run npm ci with development dependencies.');
    return;
  }
  mkdirSync(`${folder}build`, { recursive: true });
  // Renamed when complete, so that no process ever loads half a file.
  const partial = `${output}.${process.pid}`;
  const sources = files.filter((file) => file.endsWith('.cc'));
  const args = [...options, '-I', headers, ...sources, '-o', partial];
  const compiled = spawnSync(compiler, args, { cwd: `${folder}native`, encoding: 'utf8' });
  if (compiled.status === 0) {
    renameSync(partial, output);
    return;
  }
  const { status, error, stdout, stderr } = compiled;
  rmSync(partial, { force: true });
  writeFileSync(log, `${compiler} ${args.join(' ')}\n${error ?? ''}${stdout ?? ''}${stderr ?? ''}`);
  const first = /error: .*/.exec(stderr ?? '')?.[0] ?? `status ${status}`;
  goWithout(`${compiler} failed with "${first}"`, `All it said is in ${log}.`);
}

if (process.env.LOCKSTEP_NATIVE !== 'off') addons.forEach(build);
