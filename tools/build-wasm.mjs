// Compiles libs/kernels/assembly to libs/kernels/build: a module for each numeric profile that is older than its sources.
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const kernels = fileURLToPath(new URL('../libs/kernels/', import.meta.url));
const entry = 'assembly/index.ts';
const features = 'simd,threads,bulk-memory';
const modules = [
  { output: 'build/portable.wasm', enabled: features },
  { output: 'build/fma.wasm', enabled: `${features},relaxed-simd` },
];

// Without runtime and statics, because instances in several threads share one memory.
const options = [
  ...['--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  '-O3',
];

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

const sources = readdirSync(`${kernels}assembly`)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `${kernels}assembly/${name}`);
const newest = Math.max(...[...sources, fileURLToPath(import.meta.url)].map(modified));

async function compile({ output, enabled }) {
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(`${kernels}build`, { recursive: true });
  // The output is renamed when it is complete, so that no reader sees half a module.
  const partial = `${output}.${process.pid}`;
  const to = ['-o', partial, '--baseDir', kernels, '--enable', enabled];
  const { error, stderr } = await asc.main([entry, ...to, ...options]);
  if (error) throw new Error(`the wasm kernels do not compile:\n${stderr}`, { cause: error });
  renameSync(`${kernels}${partial}`, `${kernels}${output}`);
}

for (const module of modules) {
  if (modified(`${kernels}${module.output}`) < newest) await compile(module);
}
