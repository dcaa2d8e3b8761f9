/** What pods may do, what they are given, and where it comes from. */
import type { Yaml } from '../kustomize.ts';
import { type Check, type Workload, workloadsOf } from './workloads.ts';

const each = (
  manifests: Parameters<Check>[0],
  find: (workload: Workload) => readonly (string | false | undefined)[],
): string[] =>
  workloadsOf(manifests).flatMap((workload) =>
    find(workload)
      .filter((problem) => typeof problem === 'string')
      .map((problem) => `${workload.name}: ${problem}`),
  );

/** The level "restricted" of the pod security standards, a read-only root file system, and no credentials of the cluster. */
export const security: Check = (manifests) =>
  each(manifests, ({ pod, container }) => {
    const { securityContext: ofPod = {} } = pod;
    const { securityContext: own = {} } = container;
    const { drop = [], add = [] } = own.capabilities ?? {};
    return [
      ofPod.runAsNonRoot !== true && 'it may run as root',
      (ofPod.runAsUser !== 1000 || ofPod.fsGroup !== 1000) && 'the user of the image is 1000',
      ofPod.seccompProfile?.type !== 'RuntimeDefault' && 'no seccomp profile',
      own.allowPrivilegeEscalation !== false && 'it may gain privileges',
      own.privileged === true && 'it is privileged',
      own.readOnlyRootFilesystem !== true && 'its root file system can be written to',
      (!drop.includes('ALL') || add.length > 0) && 'it has capabilities',
      (pod.hostNetwork || pod.hostPID || pod.hostIPC) && 'it shares namespaces of the node',
      pod.volumes?.some(({ hostPath }: Yaml) => hostPath !== undefined) && 'it mounts a folder of the node',
      pod.automountServiceAccountToken !== false && 'it has a token of the cluster',
      pod.enableServiceLinks !== false && 'variables of Services begin as those of lockstep do',
    ];
  });

export const namespaceLevel: Check = (manifests) =>
  manifests
    .filter(
      ({ kind, metadata: { labels = {} } }) =>
        kind === 'Namespace' && labels['pod-security.kubernetes.io/enforce'] !== 'restricted',
    )
    .map(({ metadata: { name } }) => `Namespace ${name}: it admits pods that are not restricted`);

export const resources: Check = (manifests) =>
  each(manifests, ({ container: { resources: { requests = {}, limits = {} } = {} } }) => [
    (requests.cpu === undefined || requests.memory === undefined) && 'it requests no processor or no memory',
    limits.memory === undefined && 'its memory has no limit',
  ]);

/** A registry is the user's own: an overlay names it. */
export const images: Check = (manifests) =>
  each(manifests, ({ container: { image = '' } }) => [
    !/^lockstep(:[\w.-]+)?$/.test(image) && `the image ${image} is not lockstep without a registry`,
  ]);

/** Folders that the image needs to write to. */
const scratch = ['/tmp', '/app/node_modules/.cache'];

export const volumes: Check = (manifests) => {
  const exists = (kind: string, name: string): boolean =>
    manifests.some((one) => one.kind === kind && one.metadata.name === name);
  return each(manifests, ({ pod: { volumes: all = [] }, container: { volumeMounts: mounts = [] } }) => [
    ...mounts
      .filter(({ name }: Yaml) => !all.some((volume: Yaml) => volume.name === name))
      .map(({ name }: Yaml) => `no volume is named ${name}`),
    ...all
      .filter(({ name }: Yaml) => !mounts.some((mount: Yaml) => mount.name === name))
      .map(({ name }: Yaml) => `the volume ${name} is not mounted`),
    ...all.map(({ persistentVolumeClaim: claim, configMap }: Yaml) =>
      claim !== undefined && !exists('PersistentVolumeClaim', claim.claimName)
        ? `no PersistentVolumeClaim is named ${claim.claimName}`
        : configMap !== undefined &&
          !exists('ConfigMap', configMap.name) &&
          `no ConfigMap is named ${configMap.name}`,
    ),
    ...scratch.map((path) => {
      const mount = mounts.find(({ mountPath }: Yaml) => mountPath === path);
      const volume = all.find(({ name }: Yaml) => name === mount?.name);
      return volume?.emptyDir === undefined && `nothing can be written to ${path}`;
    }),
  ]);
};
