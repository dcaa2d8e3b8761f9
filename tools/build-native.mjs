// Compiles each C++ addon that is older than its sources. Without a C++ compiler this says so and succeeds, because every
// addon has a slower replacement. LOCKSTEP_NATIVE=off compiles none.
//   node tools/build-native.mjs [LIBRARY…]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

// The sources write fused multiply-adds explicitly; contraction anywhere else would change bits.
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
  // Other systems have no anonymous files that processes can share.
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

/** Returns the first compiler that runs. */
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
  /** Removes the addon, because one of older sources is worse than none. */
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
  // The output is renamed when it is complete, so that no process loads half a file.
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

const libraries = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const wanted = ({ library }) => libraries.length === 0 || libraries.includes(library);

if (process.env.LOCKSTEP_NATIVE !== 'off') addons.filter(wanted).forEach(build);
