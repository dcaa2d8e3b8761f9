// Writes THIRD_PARTY.md: the packages of a production install and their licences.
//   node tools/check-licences.mjs           writes the file
//   node tools/check-licences.mjs --check   fails when the file is out of date
// Both fail on a licence that is not in ACCEPTED. The list is the same on every platform, since only the lock file is read.
import { readFileSync, writeFileSync } from 'node:fs';

const ACCEPTED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT AND MPL-2.0',
]);

const lockFile = new URL('../package-lock.json', import.meta.url);
const output = new URL('../THIRD_PARTY.md', import.meta.url);

const HEAD = `# Third-party software

This file lists the packages that \`npm ci --omit=dev\` installs.
\`node tools/check-licences.mjs\` writes it from the lock file; do not edit it.

The prebuilt addon of zeromq contains libzmq (MPL-2.0) and libsodium (ISC); their sources are at
<https://github.com/zeromq/libzmq> and <https://github.com/jedisct1/libsodium>. esbuild is one Go program.

| package | version | licence | declared by |
|---|---|---|---|
`;

/** Installed packages that production needs. `devOptional` packages belong to development or to optional dependencies. */
function productionPackages(packages) {
  return Object.entries(packages)
    .filter(([path, entry]) => path.includes('node_modules/') && !entry.link && !entry.dev)
    .map(([path, { name, version, license, os, cpu }]) => ({
      name: name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      licence: license ?? 'none recorded',
      isPlatformBuild: os !== undefined || cpu !== undefined,
    }));
}

/** Names of third-party packages → folders of the workspace whose manifests declare them. */
function declarations(packages) {
  const folders = Object.entries(packages).filter(([path]) => path !== '' && !path.includes('node_modules/'));
  const declared = new Map();
  for (const [folder, { dependencies = {} }] of folders) {
    for (const name of Object.keys(dependencies)) declared.set(name, [...(declared.get(name) ?? []), folder]);
  }
  return declared;
}

/** A row for each package; the builds of a package for different platforms share one. */
function table(packages) {
  const declared = declarations(packages);
  const rows = productionPackages(packages).map(({ name, version, licence, isPlatformBuild }) => {
    const shown = isPlatformBuild && name.includes('/') ? `${name.split('/')[0]}/*` : name;
    return `| ${shown} | ${version} | ${licence} | ${declared.get(name)?.join(', ') ?? ''} |\n`;
  });
  return [...new Set(rows)].sort().join('');
}

function refused(packages) {
  return productionPackages(packages)
    .filter(({ licence }) => !ACCEPTED.has(licence))
    .map(({ name, version, licence }) => `${name} ${version}: licence ${licence}`);
}

const { packages } = JSON.parse(readFileSync(lockFile, 'utf8'));
const problems = refused(packages);
if (problems.length > 0) {
  console.error(
    `not an accepted licence:\n  ${problems.join('\n  ')}\nreplace the package, or add the licence to ACCEPTED`,
  );
  process.exit(1);
}
const text = HEAD + table(packages);
if (!process.argv.includes('--check')) {
  writeFileSync(output, text);
} else if (readFileSync(output, 'utf8') !== text) {
  console.error('THIRD_PARTY.md is out of date; run: node tools/check-licences.mjs');
  process.exit(1);
}
