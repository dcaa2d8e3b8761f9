/** Facts about the worker processes of this machine, gathered from the events of a run. */
import { hostname } from 'node:os';
import type { Update } from '@lockstep/coordinator';
import type { RunEvent } from '@lockstep/protocol';

export type Refusal = Extract<RunEvent, { type: 'refused' }>;

export interface LocalProcesses {
  see(update: Update): void;
  /** The process of a worker; undefined for a worker of another machine. */
  pidOf(worker: string): number | undefined;
  /** Why the coordinator refused a process. Its message says more than the exit of the process. */
  refusalOf(pid: number | undefined): Refusal | undefined;
  /** Whether a process that has ended took part in a step. Forgets it: the system may give its number to another process. */
  forgetSteps(pid: number | undefined): boolean;
}

export function createLocalProcesses(): LocalProcesses {
  /** Processes by the names of their workers. */
  const pids = new Map<string, number>();
  /** Members of the running generation until its first step. */
  let members: readonly string[] = [];
  const stepped = new Set<number>();
  const refusals = new Map<number, Refusal>();

  function seeEvent(event: RunEvent): void {
    if (event.type === 'joined' && event.host === hostname()) pids.set(event.worker, event.pid);
    if (event.type === 'generation') members = event.workers;
    if (event.type === 'refused') {
      const pid = pids.get(event.worker);
      if (pid !== undefined) refusals.set(pid, event);
    }
  }

  function seeStep(): void {
    for (const member of members) {
      const pid = pids.get(member);
      if (pid !== undefined) stepped.add(pid);
    }
    members = [];
  }

  return {
    see: (update) => {
      if (update.type === 'progress') seeStep();
      if (update.type === 'event') seeEvent(update.event);
    },
    pidOf: (worker) => pids.get(worker),
    refusalOf: (pid) => (pid === undefined ? undefined : refusals.get(pid)),
    forgetSteps: (pid) => pid !== undefined && stepped.delete(pid),
  };
}
