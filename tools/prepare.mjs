// Builds everything after `npm ci`: the wasm kernels, the native kernels if there is a C++ compiler, the compiled TypeScript,
// the bundled programs of workers, and the page. `npm run build` builds the same by Nx, which is a development dependency.
// npm also starts this root `prepare` script without development tools (`--omit=dev`, `--dry-run`): then it says so and
// succeeds.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

function packageBin(name, path) {
  try {
    return require.resolve(`${name}/package.json`).replace(/package\.json$/, path);
  } catch {
    return undefined;
  }
}

const tsc = packageBin('typescript', 'bin/tsc');
if (tsc === undefined || !existsSync(tsc)) {
  console.log('lockstep: typescript is not installed here, nothing is built');
  process.exit(0);
}
await import('./build-wasm.mjs');
await import('./build-native.mjs');
execFileSync(process.execPath, [tsc, '-b', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
const { bundle } = await import('./bundle.mjs');
await bundle();
const { bundlePage } = await import('./bundle-page.mjs');
await bundlePage();
