/**
 * Checks manifests against Kubernetes' published schemas, in the two forms in which the package kubernetes-models has them. Its
 * validators check values but pass unknown fields; its types do not pass them, so the compiler walks over every field.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from './kustomize.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const require = createRequire(import.meta.url);

const isJobSet = ({ apiVersion, kind }: Manifest): boolean =>
  apiVersion === 'jobset.x-k8s.io/v1alpha2' && kind === 'JobSet';

/** What the validators say about each list of manifests, and the compiler: one list of problems for each. */
export async function schemaProblems(builds: readonly (readonly Manifest[])[]): Promise<string[][]> {
  const ofFields = await fieldProblems(builds);
  return Promise.all(
    builds.map(async (manifests, i) => [
      ...(await Promise.all(manifests.map(valueProblems))).flat(),
      ...ofFields[i]!,
    ]),
  );
}

async function valueProblems(manifest: Manifest): Promise<string[]> {
  const { apiVersion, kind, metadata, spec } = manifest;
  if (isJobSet(manifest)) {
    const jobs = spec.replicatedJobs.map(({ name, template }: Manifest['spec']) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { ...template.metadata, name },
      spec: template.spec,
    }));
    return (await Promise.all(jobs.map(valueProblems))).flat();
  }
  try {
    const model = require(`kubernetes-models/${apiVersion}/${kind}`);
    new model[kind](manifest).validate();
    return [];
  } catch (error) {
    return [`${kind} ${metadata?.name}: ${(error as Error).message}`];
  }
}

/** One run of the compiler for all builds, each a file, since it reads the schemas for each run. */
async function fieldProblems(builds: readonly (readonly Manifest[])[]): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-manifests-'));
  try {
    const files = builds.map((_, i) => `build${i}.ts`);
    for (const [i, manifests] of builds.entries()) {
      await writeFile(join(folder, files[i]!), manifests.map(declaration).join(''));
    }
    const compilerOptions = {
      ...{ strict: true, noEmit: true, skipLibCheck: true, types: [], module: 'esnext' },
      ...{ moduleResolution: 'bundler', allowImportingTsExtensions: true },
      paths: {
        'kubernetes-models/*': [`${root}/node_modules/kubernetes-models/*`],
        jobset: [`${root}/test/kubernetes/jobset.ts`],
      },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const output = await compile(folder);
    return files.map((file) =>
      output
        .split(/\n(?=\S)/)
        .filter((message) => message.startsWith(`${file}(`))
        .map((message) => message.trim()),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A literal of the manifest's type: the compiler refuses a field of a literal that its type does not have. */
function declaration(manifest: Manifest, i: number): string {
  const { apiVersion, kind } = manifest;
  const module = isJobSet(manifest) ? 'jobset' : `kubernetes-models/${apiVersion}/${kind}`;
  return `import type { I${kind} as Type${i} } from '${module}';\nexport const manifest${i}: Type${i} = ${JSON.stringify(manifest, null, 1)};\n`;
}

function compile(folder: string): Promise<string> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [compiler, '-p', folder, '--pretty', 'false'],
      { cwd: folder },
      (error, stdout) => {
        if (error === null || /^build\d+\.ts\(/m.test(stdout)) resolve(stdout);
        else reject(new Error(`the compiler failed: ${stdout}`, { cause: error }));
      },
    );
  });
}
