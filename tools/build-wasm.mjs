// Compiles libs/kernels/assembly to libs/kernels/build/portable.wasm, unless it is newer than all it is made from.
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const kernels = fileURLToPath(new URL('../libs/kernels/', import.meta.url));
const entry = 'assembly/index.ts';
const output = 'build/portable.wasm';

// No runtime and no statics: instances in several threads share one memory.
const options = [
  ...['--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  ...['-O3', '--enable', 'simd,threads,bulk-memory'],
];

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

const sources = readdirSync(`${kernels}assembly`)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `${kernels}assembly/${name}`);

async function compile() {
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(`${kernels}build`, { recursive: true });
  // Renamed when complete, so that no reader ever sees half a module.
  const partial = `${output}.${process.pid}`;
  const { error, stderr } = await asc.main([entry, '-o', partial, '--baseDir', kernels, ...options]);
  if (error) throw new Error(`the wasm kernels do not compile:\n${stderr}`, { cause: error });
  renameSync(`${kernels}${partial}`, `${kernels}${output}`);
}

const newest = Math.max(...[...sources, fileURLToPath(import.meta.url)].map(modified));
if (modified(`${kernels}${output}`) < newest) await compile();
