// Compiles libs/kernels/native to libs/kernels/build/native.node, unless it is newer than all it is made from. Without
// a C++ compiler it says so and succeeds: the kernels run in WebAssembly then. LOCKSTEP_NATIVE=off leaves it out.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const kernels = fileURLToPath(new URL('../libs/kernels/', import.meta.url));
const output = `${kernels}build/native.node`;
const log = `${kernels}build/native.log`;

// Contraction into fused multiply-adds is written where it is wanted; anywhere else it would change bits.
const options = [
  ...['-O3', '-std=c++17', '-fPIC', '-shared', '-fvisibility=hidden', '-Wno-psabi'],
  ...['-ffp-contract=off', '-fno-math-errno'],
  ...(process.platform === 'darwin'
    ? ['-undefined', 'dynamic_lookup']
    : ['-static-libstdc++', '-static-libgcc', '-Wl,--exclude-libs,ALL']),
];

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

const files = readdirSync(`${kernels}native`).filter((name) => /\.(cc|h|inc)$/.test(name));
const sources = files.filter((name) => name.endsWith('.cc'));

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

/** An addon of older sources would be worse than none. */
function goWithout(reason, remedy) {
  rmSync(output, { force: true });
  console.log(
    `lockstep: no native kernels: ${reason}; WebAssembly kernels are used, which are slower. ${remedy}`,
  );
}

function compile(compiler, headers) {
  mkdirSync(`${kernels}build`, { recursive: true });
  // Renamed when complete, so that no process ever loads half a file.
  const partial = `${output}.${process.pid}`;
  const args = [...options, '-I', headers, ...sources, '-o', partial];
  const { status, error, stdout, stderr } = spawnSync(compiler, args, {
    cwd: `${kernels}native`,
    encoding: 'utf8',
  });
  if (status === 0) {
    renameSync(partial, output);
    return;
  }
  rmSync(partial, { force: true });
  writeFileSync(log, `${compiler} ${args.join(' ')}\n${error ?? ''}${stdout ?? ''}${stderr ?? ''}`);
  const first = /error: .*/.exec(stderr ?? '')?.[0] ?? `status ${status}`;
  goWithout(`${compiler} failed with "${first}"`, `All it said is in ${log}.`);
}

function build() {
  const newest = Math.max(
    modified(fileURLToPath(import.meta.url)),
    ...files.map((name) => modified(`${kernels}native/${name}`)),
  );
  if (modified(output) >= newest) return;
  const compiler = findCompiler();
  const headers = headersFolder();
  if (compiler === undefined) {
    goWithout(
      'there is no C++ compiler',
      'Install g++ or clang++, or name one in CXX, and run npm run build.',
    );
  } else if (headers === undefined) {
    goWithout('node-api-headers is not installed', 'Run npm ci with development dependencies.');
  } else {
    compile(compiler, headers);
  }
}

if (process.env.LOCKSTEP_NATIVE !== 'off') build();
