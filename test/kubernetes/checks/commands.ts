/** The command line of each container, read as the command itself reads it, and what it says about ports, folders and probes. */
import {
  monitoringRoutes,
  pageAddress,
  planLaunch,
  readArgs,
  readRunArgs,
  splitAtDashes,
} from '@lockstep/cli';
import type { Manifest, Yaml } from '../kustomize.ts';
import { type Check, portNamed, type Workload, workloadsOf } from './workloads.ts';

export const commandLines: Check = async (manifests) => {
  const workloads = workloadsOf(manifests);
  const problems = await Promise.all(
    workloads.map(async (workload) => {
      try {
        return await commandProblems(workload, manifests, workloads);
      } catch (error) {
        return [(error as Error).message];
      }
    }),
  );
  return problems.flatMap((found, i) => found.map((problem) => `${workloads[i]!.name}: ${problem}`));
};

async function commandProblems(
  workload: Workload,
  manifests: readonly Manifest[],
  all: readonly Workload[],
): Promise<string[]> {
  const { container, job } = workload;
  const variables = environmentOf(workload);
  const words: string[] = (container.args ?? []).map((word: string) => expanded(word, variables));
  const { words: own, rest } = splitAtDashes(words);
  if (own[0] !== 'launch' || container.command)
    throw new Error('the container does not start lockstep launch');
  const args: Yaml = await readArgs(own);
  const environment =
    job.completionMode === 'Indexed' ? { ...variables, JOB_COMPLETION_INDEX: '0' } : variables;
  const plan = planLaunch(environment, args, 1);
  if (plan.meeting.type !== 'address') throw new Error('it needs the address of a coordinator');
  const { host, port } = plan.meeting;
  if (plan.role === 'worker') {
    return [
      ...meetingProblems(host, port, manifests, all),
      ...meshProblems(args.bind, workload),
      ...threadProblems(args, workload),
    ];
  }
  const run: Yaml = await readRunArgs({ rest, readArgs });
  const numWorkers = all
    .filter(({ role }) => role === 'worker')
    .reduce((sum, { job: { parallelism } }) => sum + parallelism, 0);
  return [
    ...(plan.role === 'coordinator' ? [] : [`it is ${plan.role}`]),
    ...(plan.job === undefined ? ['without --job, a replacement starts another run'] : []),
    ...(portNamed(workload, 'join')?.containerPort === port
      ? []
      : [`it listens at port ${port}, which is not the port join`]),
    ...(run.workersExpected > numWorkers
      ? [`it waits for ${run.workersExpected} workers, and there are ${numWorkers}`]
      : []),
    ...writable(run.runRoot, workload),
    ...(await probeProblems(run.page, workload)),
  ];
}

/** Values of variables; those of limits as the kubelet computes them. */
function environmentOf({ container }: Workload): Record<string, string> {
  const entries = (container.env ?? []).map(({ name, value, valueFrom = {} }: Yaml) => {
    const { resourceFieldRef, secretKeyRef } = valueFrom;
    const [, kind, resource] = /^(limits|requests)\.(\w+)$/.exec(resourceFieldRef?.resource ?? '') ?? [];
    if (kind !== undefined) return [name, `${Math.ceil(Number(container.resources?.[kind]?.[resource!]))}`];
    return [name, value ?? (secretKeyRef && 'secret')];
  });
  return Object.fromEntries(entries);
}

function expanded(word: string, variables: Readonly<Record<string, string>>): string {
  return word.replace(/\$\((\w+)\)/g, (_, name) => {
    if (variables[name] === undefined) throw new Error(`${word}: no variable ${name}`);
    return variables[name];
  });
}

/** Workers find the coordinator through a Service. */
function meetingProblems(
  host: string,
  port: number,
  manifests: readonly Manifest[],
  all: readonly Workload[],
): string[] {
  const service = manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === host);
  if (service === undefined) return [`no Service is named ${host}`];
  const servicePort = service.spec.ports?.find((one: Yaml) => one.port === port);
  if (servicePort === undefined) return [`the Service ${host} has no port ${port}`];
  const reached = all.filter(({ labels }) =>
    Object.entries(service.spec.selector ?? {}).every(([name, value]) => labels[name] === value),
  );
  const isReached =
    reached.length === 1 &&
    reached[0]!.role === 'coordinator' &&
    portNamed(reached[0]!, servicePort.targetPort ?? port)?.name === 'join';
  return isReached ? [] : [`port ${port} of ${host} does not lead to the coordinator`];
}

/** Policies and other workers need a port that is known. */
function meshProblems(bind: string | undefined, workload: Workload): string[] {
  const port = Number(/^tcp:\/\/0\.0\.0\.0:(\d+)$/.exec(bind ?? '')?.[1]);
  return portNamed(workload, 'mesh')?.containerPort === port ? [] : [`--bind ${bind} is not the port mesh`];
}

const threadProblems = ({ threads }: Yaml, { container }: Workload): string[] =>
  threads === Math.ceil(Number(container.resources?.limits?.cpu))
    ? []
    : [
        `${threads ?? 'as many threads as the node has processors'} for a limit of ${container.resources?.limits?.cpu} processors`,
      ];

/** The root file system is read-only. */
function writable(folder: string, { container }: Workload): string[] {
  const mount = container.volumeMounts?.find(
    ({ mountPath }: Yaml) => folder === mountPath || folder.startsWith(`${mountPath}/`),
  );
  return mount !== undefined && !mount.readOnly ? [] : [`nothing can be written to ${folder}`];
}

const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const;

async function probeProblems(page: string | undefined, workload: Workload): Promise<string[]> {
  if (page === undefined) return ['without --page it answers no probe'];
  const { host, port } = pageAddress(page);
  const { openRoutes } = await monitoringRoutes({ text: () => '', whyIdle: () => undefined } as never);
  const { container } = workload;
  const paged = portNamed(workload, 'page');
  return [
    ...(host === '0.0.0.0' ? [] : [`a kubelet does not reach ${host}`]),
    ...(paged?.containerPort === port
      ? []
      : [`the page is served at port ${port}, which is not the port page`]),
    ...(container.env?.some(({ name }: Yaml) => name === 'LOCKSTEP_PAGE_TOKEN')
      ? []
      : ['nobody knows the token of the page']),
    ...probes.flatMap((name) => {
      const probe = container[name]?.httpGet;
      if (probe === undefined) return [`no ${name}`];
      if (!Object.hasOwn(openRoutes, probe.path))
        return [`${name}: nothing is served at ${probe.path} without a token`];
      if (portNamed(workload, probe.port)?.containerPort !== port)
        return [`${name}: the page is not at port ${probe.port}`];
      // A run that waits for workers is alive, and not ready.
      const path = name === 'readinessProbe' ? '/readyz' : '/healthz';
      return probe.path === path ? [] : [`${name}: ${probe.path} instead of ${path}`];
    }),
  ];
}
