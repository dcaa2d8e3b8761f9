/** What a Job does when a pod ends. */
import { type Mistake, set, unset } from './plant.ts';

export const failureMistakes = {
  failurePolicies: [
    [
      'a code that no process exits with',
      ({ workers: { job } }) => job.podFailurePolicy.rules[0].onExitCodes.values.push(42),
      /no worker exits with 42/,
    ],
    [
      'a code of another command',
      ({ coordinator: { job } }) => job.podFailurePolicy.rules[0].onExitCodes.values.push(7),
      /no coordinator exits with 7/,
    ],
    [
      'a code that nothing is decided for',
      ({ workers: { job } }) => job.podFailurePolicy.rules[3].onExitCodes.values.pop(),
      /no rule for exit code 6/,
    ],
    [
      'a code in two rules',
      ({ workers: { job } }) => set(job.podFailurePolicy.rules[3].onExitCodes, 'values', [1, 2, 4, 6]),
      /two rules for exit code 2/,
    ],
    [
      'codes out of order',
      ({ workers: { job } }) => job.podFailurePolicy.rules[0].onExitCodes.values.reverse(),
      /not in order/,
    ],
    [
      'a container that does not exist',
      ({ workers: { job } }) => set(job.podFailurePolicy.rules[0].onExitCodes, 'containerName', 'main'),
      /no container is named main/,
    ],
    [
      'a failure that comes again without end',
      ({ workers: { job } }) => set(job.podFailurePolicy.rules[3], 'action', 'Ignore'),
      /exit code 1 is ignored/,
    ],
    [
      'a rule without a condition',
      ({ workers: { job } }) => unset(job.podFailurePolicy.rules[2], 'onPodConditions'),
      /either exit codes or conditions/,
    ],
    [
      'evictions that count',
      ({ coordinator: { job } }) => job.podFailurePolicy.rules.splice(2, 1),
      /an eviction counts/,
    ],
    [
      'containers that restart in their pod',
      ({ coordinator: { pod } }) => set(pod, 'restartPolicy', 'OnFailure'),
      /needs restartPolicy Never/,
    ],
    [
      'pods of a Job that always restart',
      ({ workers: { pod } }) => set(pod, 'restartPolicy', 'Always'),
      /needs restartPolicy Never/,
    ],
    [
      'two coordinators of one run',
      ({ coordinator: { job } }) => unset(job, 'podReplacementPolicy'),
      /must not start before/,
    ],
    [
      'limits of each index without indexes',
      ({ workers: { job } }) => unset(job, 'completionMode'),
      /needs completionMode Indexed/,
    ],
    [
      'a limit over all indexes',
      ({ workers: { job } }) => set(job, 'backoffLimit', 6),
      /would end all indexes/,
    ],
  ],
  elasticWorkers: [
    [
      'completions without parallelism',
      ({ workers: { job } }) => set(job, 'completions', 4),
      /completions 4 and parallelism 2/,
    ],
    ['a Job without indexes', ({ workers: { job } }) => unset(job, 'completionMode'), /Indexed Job/],
  ],
} satisfies Record<string, readonly Mistake[]>;
