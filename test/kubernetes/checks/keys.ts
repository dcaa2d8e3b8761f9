/** Secrets: what `lockstep keys` writes and the documentation puts into them, mounted as a kubelet does, and read as our processes do. */
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generateKeys, readClientKeys, readServerKeys, writeKeys } from '@lockstep/transport';
import type { Yaml } from '../kustomize.ts';
import { type Check, type Workload, workloadsOf } from './workloads.ts';

export const mountedKeys: Check = async (manifests) => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-keys-'));
  try {
    await writeKeys(join(folder, 'keys'), generateKeys());
    const problems: string[] = [];
    for (const workload of workloadsOf(manifests)) {
      const found = await keyProblems(workload, folder).catch((error: Error) => [error.message]);
      problems.push(...found.map((problem) => `${workload.name}: ${problem}`));
    }
    return problems;
  } finally {
    await rm(folder, { recursive: true });
  }
};

async function keyProblems({ name, role, pod, container }: Workload, folder: string): Promise<string[]> {
  const place = container.args
    ?.map((word: string) => /^--keys=(.+)$/.exec(word)?.[1])
    .find((path: unknown) => path);
  const mount = container.volumeMounts?.find(({ mountPath }: Yaml) => mountPath === place);
  const secret = pod.volumes?.find((volume: Yaml) => volume.name === mount?.name)?.secret;
  if (secret === undefined) return [`no Secret is mounted at ${place}`];
  if (secret.secretName !== 'lockstep-keys') return [`there is no Secret ${secret.secretName}`];
  const mounted = join(folder, name);
  for (const { key, path } of secret.items ??
    (await readdir(join(folder, 'keys'))).map((key) => ({ key, path: key }))) {
    await mkdir(dirname(join(mounted, path)), { recursive: true });
    await cp(join(folder, 'keys', key), join(mounted, path));
  }
  await (role === 'coordinator' ? readServerKeys(mounted) : readClientKeys(mounted));
  const files = await readdir(mounted);
  return [
    ...(role === 'worker' && files.includes('server.secret')
      ? ['a worker has the secret of the coordinator']
      : []),
    ...(secret.defaultMode === 0o440 ? [] : [`keys have the mode ${secret.defaultMode}, not 0440`]),
    ...(mount.readOnly ? [] : ['keys can be written to']),
  ];
}

/** Secrets that the documentation makes, with their keys. */
export const secretKeys: Readonly<Record<string, readonly string[]>> = { 'lockstep-page': ['token'] };

export const secretVariables: Check = (manifests) =>
  workloadsOf(manifests).flatMap(({ name, container: { env = [] } }) =>
    env
      .flatMap(({ valueFrom }: Yaml) => valueFrom?.secretKeyRef ?? [])
      .filter((ref: Yaml) => !secretKeys[ref.name]?.includes(ref.key))
      .map((ref: Yaml) => `${name}: no Secret ${ref.name} with the key ${ref.key}`),
  );
