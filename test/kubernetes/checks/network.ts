/** Services, policies and budgets against the pods that they select. */
import type { Manifest, Yaml } from '../kustomize.ts';
import { type Check, portNamed, selects, type Workload, workloadsOf } from './workloads.ts';

const ofKind = (manifests: readonly Manifest[], wanted: string) =>
  manifests.filter(({ kind }) => kind === wanted);

export const services: Check = (manifests) => {
  const workloads = workloadsOf(manifests);
  return ofKind(manifests, 'Service').flatMap(({ metadata: { name }, spec }) => {
    const selected =
      spec.selector === undefined
        ? []
        : workloads.filter(({ labels }) => selects({ matchLabels: spec.selector }, labels));
    const ports = selected.flatMap((workload) =>
      spec.ports
        .filter(({ port, targetPort = port }: Yaml) => portNamed(workload, targetPort) === undefined)
        .map(
          ({ port, targetPort = port }: Yaml) =>
            `no container of ${workload.name} has the port ${targetPort}`,
        ),
    );
    return [
      ...(spec.selector === undefined ? ['the selector is missing'] : []),
      ...(spec.selector !== undefined && selected.length === 0 ? ['it selects no pod'] : []),
      ...(spec.clusterIP === 'None' ? [] : ['it is not headless']),
      ...(spec.publishNotReadyAddresses
        ? []
        : ['a coordinator that waits for workers is not ready, and cannot be found']),
      ...ports,
    ].map((problem) => `Service ${name}: ${problem}`);
  });
};

export const policies: Check = (manifests) => {
  const workloads = workloadsOf(manifests);
  const all = ofKind(manifests, 'NetworkPolicy');
  const of = ({ labels }: Workload) => all.filter(({ spec }) => selects(spec.podSelector, labels));
  const open = workloads.flatMap((workload) =>
    ['Ingress', 'Egress']
      .filter((type) => !of(workload).some(({ spec }) => spec.policyTypes?.includes(type)))
      .map((type) => `${workload.name}: no policy limits its ${type.toLowerCase()}`),
  );
  const idle = all
    .filter(({ spec }) => !workloads.some(({ labels }) => selects(spec.podSelector, labels)))
    .map(({ metadata }) => `NetworkPolicy ${metadata.name}: it selects no pod`);
  const blocked = workloads
    .filter(({ role }) => role === 'worker')
    .flatMap((from) => workloads.map((to) => [from, to] as const))
    .flatMap(([from, to]) => {
      const port = portNamed(to, to.role === 'coordinator' ? 'join' : 'mesh')?.containerPort;
      const leaves = of(from).some(({ spec }) => allows(spec.egress, 'to', to, port));
      const enters = of(to).some(({ spec }) => allows(spec.ingress, 'from', from, port));
      return leaves && enters ? [] : [`${from.name} does not reach port ${port} of ${to.name}`];
    });
  const names = workloads
    .filter(({ role }) => role === 'worker')
    .filter(
      (worker) =>
        !of(worker).some(({ spec }) =>
          spec.egress?.some(
            ({ to, ports = [] }: Yaml) => to === undefined && ports.some(({ port }: Yaml) => port === 53),
          ),
        ),
    )
    .map(({ name }) => `${name}: it cannot look names up`);
  return [...open, ...idle, ...blocked, ...names];
};

function allows(rules: readonly Yaml[] = [], side: 'from' | 'to', peer: Workload, port: number): boolean {
  return rules.some(
    (rule) =>
      rule[side]?.some(({ podSelector }: Yaml) => selects(podSelector, peer.labels)) &&
      rule.ports?.some((one: Yaml) => one.port === port && (one.protocol ?? 'TCP') === 'TCP'),
  );
}

/** A Job has no scale subresource, without which only a number of pods counts. */
export const budgets: Check = (manifests) => {
  const workloads = workloadsOf(manifests);
  return ofKind(manifests, 'PodDisruptionBudget').flatMap(({ metadata: { name }, spec }) => {
    const selected = workloads.filter(({ labels }) => selects(spec.selector, labels));
    const numPods = selected.reduce((sum, { job: { parallelism = 1 } }) => sum + parallelism, 0);
    return [
      ...(selected.length === 0 ? ['it selects no pod'] : []),
      ...(Number.isInteger(spec.minAvailable) && spec.maxUnavailable === undefined
        ? []
        : ['pods of Jobs need a whole number as minAvailable']),
      ...(spec.minAvailable >= numPods
        ? [`${numPods} pods of which ${spec.minAvailable} must stay: no node can be drained`]
        : []),
    ].map((problem) => `PodDisruptionBudget ${name}: ${problem}`);
  });
};
