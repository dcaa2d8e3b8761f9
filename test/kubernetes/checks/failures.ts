/** What a Job does with the exit codes that our processes have: each one is decided, and no other. */
import { exitCodes } from '@lockstep/cli';
import { exitCodes as workerExitCodes } from '@lockstep/worker';
import type { Yaml } from '../kustomize.ts';
import { type Check, workloadsOf } from './workloads.ts';

const { failed, usage, refused, nonFinite, again, interrupted } = exitCodes;

/** How `lockstep launch` can fail in each part. */
export const failureCodes = {
  coordinator: [failed, usage, refused, nonFinite, again, interrupted],
  worker: [...Object.values(workerExitCodes).filter((code) => code !== 0), again, interrupted],
} as const;

export const failurePolicies: Check = (manifests) =>
  workloadsOf(manifests).flatMap(({ name, role, job, pod, container }) => {
    const known: readonly number[] = failureCodes[role];
    const { rules = [] } = job.podFailurePolicy ?? {};
    const onCodes = rules.flatMap(({ onExitCodes }: Yaml) => onExitCodes ?? []);
    const decided: number[] = onCodes.flatMap(({ values }: Yaml) => values);
    const problems = [
      ...decided.filter((code) => !known.includes(code)).map((code) => `no ${role} exits with ${code}`),
      ...known.filter((code) => !decided.includes(code)).map((code) => `no rule for exit code ${code}`),
      ...decided
        .filter((code, i) => decided.indexOf(code) < i)
        .map((code) => `two rules for exit code ${code}`),
      ...onCodes.flatMap(({ operator, values, containerName }: Yaml) => [
        ...(operator === 'In' ? [] : [`the operator ${operator} also matches codes of signals`]),
        ...(values.some((code: number, i: number) => code < values[i - 1])
          ? [`codes are not in order: ${values}`]
          : []),
        ...(containerName === container.name ? [] : [`no container is named ${containerName}`]),
      ]),
      ...rules
        .filter(
          ({ onExitCodes, onPodConditions }: Yaml) =>
            (onExitCodes === undefined) === (onPodConditions === undefined),
        )
        .map(() => 'a rule needs either exit codes or conditions'),
      ...endlessly(rules, job),
      ...(pod.restartPolicy === 'Never'
        ? []
        : [`podFailurePolicy needs restartPolicy Never, not ${pod.restartPolicy}`]),
      ...(job.podReplacementPolicy === 'Failed'
        ? []
        : ['a replacement must not start before a pod has ended']),
    ];
    return problems.map((problem) => `${name}: ${problem}`);
  });

/** A disruption and a stop that was asked for count as no failure; a failure that would come again is no reason for another start. */
function endlessly(rules: readonly Yaml[], job: Yaml): string[] {
  const ignored: number[] = rules
    .filter(({ action }) => action === 'Ignore')
    .flatMap(({ onExitCodes }) => onExitCodes?.values ?? []);
  const isDisruptionIgnored = rules.some(
    ({ action, onPodConditions = [] }) =>
      action === 'Ignore' &&
      onPodConditions.some(({ type, status }: Yaml) => type === 'DisruptionTarget' && status === 'True'),
  );
  const isPerIndex = job.backoffLimitPerIndex !== undefined;
  return [
    ...ignored
      .filter((code) => code !== again && code !== interrupted)
      .map((code) => `exit code ${code} is ignored, so it comes again without end`),
    ...(isDisruptionIgnored ? [] : ['an eviction counts as a failure']),
    ...(isPerIndex && job.completionMode !== 'Indexed'
      ? ['backoffLimitPerIndex needs completionMode Indexed']
      : []),
    ...(isPerIndex && job.backoffLimit !== undefined ? ['backoffLimit would end all indexes'] : []),
    ...(rules.some(({ action }) => action === 'FailIndex') && !isPerIndex
      ? ['FailIndex needs backoffLimitPerIndex']
      : []),
  ];
}

/** Elastic Indexed Jobs change completions and parallelism together. */
export const elasticWorkers: Check = (manifests) =>
  workloadsOf(manifests)
    .filter(({ role }) => role === 'worker')
    .filter(
      ({ job }) =>
        job.completionMode !== 'Indexed' ||
        job.completions === undefined ||
        job.completions !== job.parallelism,
    )
    .map(
      ({ name, job }) =>
        `${name}: completions ${job.completions} and parallelism ${job.parallelism} of an Indexed Job must be equal to change together`,
    );
