/** A cluster of containers as docker-compose.yml starts it, under a project name of its own. */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import {
  DockerComposeEnvironment,
  getContainerRuntimeClient,
  type StartedTestContainer,
} from 'testcontainers';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const image = 'lockstep-test';

/** A line of `--json`. */
export type RunEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface Cluster {
  /** The network that the containers share. */
  readonly network: string;
  readonly workers: readonly StartedTestContainer[];
  /** What the coordinator prints, until it exits; `onEvent` sees each as it comes. */
  events(onEvent?: (event: RunEvent) => Promise<void>): Promise<RunEvent[]>;
  /** Like `docker compose stop coordinator`: the coordinator saves the run and exits. */
  stopCoordinator(): Promise<void>;
  coordinatorExitCode(): Promise<number>;
  /** Like `docker compose up` for an exited container. Returns all that it has printed since its first start. */
  startCoordinatorAgain(): Promise<string>;
  /** Removes containers, network and volumes. */
  remove(): Promise<void>;
}

/** The reason why the tests cannot run here; undefined if a container engine answers. */
export async function whyNoEngine(): Promise<string | undefined> {
  try {
    await getContainerRuntimeClient();
    return undefined;
  } catch (error) {
    return `no container engine answers here (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** `docker compose up --build --scale worker=N`; with N = 0 the run waits for workers outside of the cluster. */
export async function startCluster(numWorkers: number, args: readonly string[]): Promise<Cluster> {
  const project = `lockstep-test-${randomUUID().slice(0, 8)}`;
  const environment = await new DockerComposeEnvironment(root, 'docker-compose.yml')
    .withProjectName(project)
    .withBuild()
    .withEnvironment({
      IMAGE: image,
      WORKERS: `${Math.max(1, numWorkers)}`,
      ARGS: [...args, '--json'].join(' '),
    })
    .withClientOptions({ commandOptions: ['--scale', `worker=${numWorkers}`] })
    .up();
  const coordinator = environment.getContainer('coordinator-1');
  return {
    network: `${project}_default`,
    workers: Array.from({ length: numWorkers }, (_, i) => environment.getContainer(`worker-${i + 1}`)),
    events: (onEvent) => eventsOf(coordinator, onEvent),
    stopCoordinator: () => kill(coordinator, 'SIGTERM'),
    coordinatorExitCode: async () => (await exitOf(coordinator.getId())).exitCode,
    startCoordinatorAgain: async () => {
      const client = await getContainerRuntimeClient();
      await client.container.getById(coordinator.getId()).start();
      return (await exitOf(coordinator.getId())).output;
    },
    remove: async () => void (await environment.down({ removeVolumes: true })),
  };
}

async function eventsOf(
  container: StartedTestContainer,
  onEvent: (event: RunEvent) => Promise<void> = async () => {},
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const line of createInterface({ input: await container.logs() })) {
    if (!line.startsWith('{')) throw new Error(`the coordinator says: ${line}`);
    const event = JSON.parse(line) as RunEvent;
    events.push(event);
    await onEvent(event);
  }
  return events;
}

/** The default SIGKILL ends a process without warning or clean-up. */
export async function kill(container: StartedTestContainer, signal = 'SIGKILL'): Promise<void> {
  const client = await getContainerRuntimeClient();
  await client.container.getById(container.getId()).kill({ signal });
}

/** Runs a shell command in a container on the cluster's network, without the cluster's volumes. */
export async function runStranger(network: string, command: string) {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const container = await dockerode.createContainer({
    Image: image,
    Entrypoint: ['sh', '-c', command],
    HostConfig: { NetworkMode: network },
  });
  try {
    await container.start();
    return await exitOf(container.id);
  } finally {
    await container.remove({ force: true });
  }
}

async function exitOf(id: string) {
  const client = await getContainerRuntimeClient();
  const container = client.container.getById(id);
  const { StatusCode: exitCode } = (await container.wait()) as { readonly StatusCode: number };
  return { exitCode, output: await text(await client.container.logs(container)) };
}
