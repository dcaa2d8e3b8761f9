/** Two network namespaces joined by a virtual cable. To sockets they are two machines. */
import { execFileSync } from 'node:child_process';

export interface Machine {
  readonly address: string;
  /** The prefix of a command that runs on this machine. */
  readonly inside: readonly string[];
}

/** Why network namespaces cannot be created here; undefined if they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return `network namespaces need Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'only root may create network namespaces';
  try {
    ip('netns', 'add', probe);
    ip('netns', 'delete', probe);
    return undefined;
  } catch (error) {
    return `ip netns does not work here: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** Creates two machines on one network. `remove` deletes them and their cable. */
export function createMachines(): { readonly machines: readonly [Machine, Machine]; remove(): void } {
  const names = [`lockstep-${process.pid}-a`, `lockstep-${process.pid}-b`] as const;
  // Names of devices are at most 15 characters long.
  const cable = names.map((_, i) => `ls${process.pid}${'ab'[i]}`);
  for (const name of names) ip('netns', 'add', name);
  ip('link', 'add', cable[0]!, 'type', 'veth', 'peer', 'name', cable[1]!);
  const machine = (i: 0 | 1): Machine => {
    const address = `10.77.0.${i + 1}`;
    ip('link', 'set', cable[i]!, 'netns', names[i]);
    ip('-n', names[i], 'address', 'add', `${address}/24`, 'dev', cable[i]!);
    ip('-n', names[i], 'link', 'set', cable[i]!, 'up');
    ip('-n', names[i], 'link', 'set', 'lo', 'up');
    return { address, inside: ['ip', 'netns', 'exec', names[i]] };
  };
  return {
    machines: [machine(0), machine(1)],
    remove: () => names.forEach((name) => void ip('netns', 'delete', name)),
  };
}

const probe = `lockstep-${process.pid}`;

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}
