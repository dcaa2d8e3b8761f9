import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Libraries that are measured beside the profile portable. They are no dependencies of this project. */
const PACKAGES = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', '@jax-js/jax'];

/** The versions of these libraries in the folder BENCH_PEERS, or the reason why they cannot be measured. */
export function findPeers() {
  const folder = process.env.BENCH_PEERS;
  const install = `npm install --prefix <folder> ${PACKAGES.join(' ')}`;
  if (folder === undefined) return { missing: `run \`${install}\` and name the folder in BENCH_PEERS` };
  const manifests = PACKAGES.map((name) => join(folder, 'node_modules', name, 'package.json'));
  const absent = PACKAGES.filter((_, i) => !existsSync(manifests[i]));
  if (absent.length > 0) return { missing: `${folder} lacks ${absent.join(', ')}; run \`${install}\`` };
  const versions = manifests.map((path) => JSON.parse(readFileSync(path, 'utf8')).version);
  return { versions: PACKAGES.map((name, i) => `${name} ${versions[i]}`).join(', ') };
}
