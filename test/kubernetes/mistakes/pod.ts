/** What pods may do and are given. */
import { type Mistake, set, unset, word } from './plant.ts';

export const podMistakes = {
  security: [
    ['root', ({ workers: { pod } }) => unset(pod.securityContext, 'runAsNonRoot'), /may run as root/],
    [
      'another user',
      ({ workers: { pod } }) => set(pod.securityContext, 'runAsUser', 1001),
      /user of the image/,
    ],
    [
      'no seccomp profile',
      ({ workers: { pod } }) => set(pod.securityContext.seccompProfile, 'type', 'Unconfined'),
      /seccomp/,
    ],
    [
      'more privileges',
      ({ coordinator: { container } }) => unset(container.securityContext, 'allowPrivilegeEscalation'),
      /may gain privileges/,
    ],
    [
      'all privileges',
      ({ coordinator: { container } }) => set(container.securityContext, 'privileged', true),
      /is privileged/,
    ],
    [
      'a root file system to write to',
      ({ coordinator: { container } }) => unset(container.securityContext, 'readOnlyRootFilesystem'),
      /can be written to/,
    ],
    [
      'a capability',
      ({ coordinator: { container } }) => set(container.securityContext.capabilities, 'add', ['NET_ADMIN']),
      /has capabilities/,
    ],
    [
      'the network of the node',
      ({ workers: { pod } }) => set(pod, 'hostNetwork', true),
      /namespaces of the node/,
    ],
    [
      'a folder of the node',
      ({ workers: { pod } }) => pod.volumes.push({ name: 'host', hostPath: { path: '/' } }),
      /folder of the node/,
    ],
    [
      'a token of the cluster',
      ({ workers: { pod } }) => unset(pod, 'automountServiceAccountToken'),
      /token of the cluster/,
    ],
    [
      'variables of Services',
      ({ workers: { pod } }) => unset(pod, 'enableServiceLinks'),
      /variables of Services/,
    ],
  ],
  namespaceLevel: [
    ['a namespace that admits all', ({ of }) => unset(of('Namespace').metadata, 'labels'), /not restricted/],
  ],
  resources: [
    [
      'no requests',
      ({ coordinator: { container } }) => unset(container.resources, 'requests'),
      /requests no processor/,
    ],
    [
      'no limit of memory',
      ({ workers: { container } }) => unset(container.resources.limits, 'memory'),
      /no limit/,
    ],
  ],
  images: [
    [
      'a registry',
      ({ workers: { container } }) => set(container, 'image', 'registry.example/lockstep:1'),
      /without a registry/,
    ],
  ],
  volumes: [
    [
      'a volume that does not exist',
      ({ coordinator: { container } }) => set(container.volumeMounts[1], 'name', 'run'),
      /no volume is named run/,
    ],
    [
      'a volume that is not mounted',
      ({ coordinator: { container } }) => container.volumeMounts.splice(1, 1),
      /runs is not mounted/,
    ],
    [
      'a claim that does not exist',
      ({ coordinator: { pod } }) => set(pod.volumes[1].persistentVolumeClaim, 'claimName', 'runs'),
      /no PersistentVolumeClaim is named runs/,
    ],
    [
      'no folder for temporary files',
      ({ workers: { container } }) => container.volumeMounts.splice(1, 1),
      /written to \/tmp/,
    ],
  ],
  mountedKeys: [
    [
      'a key that is not mounted',
      ({ workers: { pod } }) => pod.volumes[0].secret.items.pop(),
      /clients\.allow/,
    ],
    [
      'a key that does not exist',
      ({ workers: { pod } }) => set(pod.volumes[0].secret.items[0], 'key', 'server.pub'),
      /server\.pub/,
    ],
    [
      'a key under another name',
      ({ workers: { pod } }) => set(pod.volumes[0].secret.items[0], 'path', 'server'),
      /server\.public/,
    ],
    [
      'the secret of the coordinator for workers',
      ({ workers: { pod } }) => unset(pod.volumes[0].secret, 'items'),
      /a worker has the secret/,
    ],
    [
      'another Secret',
      ({ workers: { pod } }) => set(pod.volumes[0].secret, 'secretName', 'keys'),
      /no Secret keys/,
    ],
    [
      'keys elsewhere',
      ({ workers }) => word(workers, '--keys', '--keys=/key'),
      /no Secret is mounted at \/key/,
    ],
    [
      'keys that all can read',
      ({ workers: { pod } }) => set(pod.volumes[0].secret, 'defaultMode', 0o444),
      /not 0440/,
    ],
  ],
  secretVariables: [
    [
      'a token that does not exist',
      ({ coordinator: { container } }) => set(container.env[0].valueFrom.secretKeyRef, 'key', 'tokens'),
      /no Secret lockstep-page with the key tokens/,
    ],
  ],
} satisfies Record<string, readonly Mistake[]>;
