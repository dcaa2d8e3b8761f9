/** The pods that manifests start, whatever starts them: a Job, or a JobSet. */
import type { Manifest, Yaml } from '../kustomize.ts';

/** A rule that manifests must keep: the problems that it finds, in words. */
export type Check = (manifests: readonly Manifest[]) => string[] | Promise<string[]>;

export interface Workload {
  readonly name: string;
  readonly role: 'coordinator' | 'worker';
  /** Of kind JobSpec. */
  readonly job: Yaml;
  readonly pod: Yaml;
  readonly labels: Readonly<Record<string, string>>;
  readonly container: Yaml;
}

/** Each has one container: that of the image of lockstep, started as `lockstep launch`. */
export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    if (kind === 'Job') return [workload(metadata.name, spec)];
    if (kind !== 'JobSet') return [];
    return spec.replicatedJobs.map(({ name, template }: Yaml) => workload(name, template.spec));
  });
}

function workload(name: string, job: Yaml): Workload {
  const { spec: pod, metadata } = job.template;
  const [container, ...others] = pod.containers;
  if (others.length > 0 || pod.initContainers) throw new Error(`${name}: one container is expected`);
  const isCoordinator = container.args?.includes('--role=coordinator');
  return {
    ...{ name, job, pod, container, labels: metadata?.labels ?? {} },
    role: isCoordinator ? 'coordinator' : 'worker',
  };
}

/** Whether a selector selects pods of these labels. An empty selector selects all, an absent one none. */
export function selects(selector: Yaml, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return false;
  const { matchLabels = {}, ...others } = selector;
  if (Object.keys(others).length > 0) throw new Error(`a selector with ${Object.keys(others)[0]}`);
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

export const portNamed = ({ container }: Workload, port: number | string): Yaml =>
  container.ports?.find(({ name, containerPort }: Yaml) => name === port || containerPort === port);
