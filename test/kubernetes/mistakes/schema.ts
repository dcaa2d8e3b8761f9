/** What is wrong by the schemas. Values are checked by validators, fields by the compiler. */
import { type Mistake, set, unset } from './plant.ts';

export const schemaMistakes: readonly Mistake[] = [
  [
    'an unknown field of a Job',
    ({ workers }) => set(workers.job, 'completion', 2),
    /'"completion"' does not exist/,
  ],
  [
    'an unknown field of a container',
    ({ workers }) => set(workers.container, 'arg', []),
    /'"arg"' does not exist/,
  ],
  [
    'an unknown field far down',
    ({ coordinator: { container } }) => set(container.readinessProbe.httpGet, 'prot', 1),
    /'"prot"' does not exist/,
  ],
  [
    'an unknown field of metadata',
    ({ of }) => set(of('Service').metadata, 'label', {}),
    /'"label"' does not exist/,
  ],
  ['a number where a text belongs', ({ workers }) => set(workers.container, 'image', 5), /image/],
  ['a text where a number belongs', ({ workers }) => set(workers.job, 'completions', '2'), /completions/],
  ['half a worker', ({ workers }) => set(workers.job, 'parallelism', 1.5), /parallelism.*integer/],
  [
    'a list where an object belongs',
    ({ coordinator }) => set(coordinator.pod, 'securityContext', []),
    /securityContext/,
  ],
  [
    'a word that is none of a list',
    ({ coordinator }) => set(coordinator.pod, 'restartPolicy', 'Sometimes'),
    /restartPolicy/,
  ],
  [
    'a failure policy without an action',
    ({ workers }) => unset(workers.job.podFailurePolicy.rules[0], 'action'),
    /action/,
  ],
  ['a Job without a template', ({ of }) => unset(of('Job', 'lockstep-workers').spec, 'template'), /template/],
  ['a container without a name', ({ workers }) => unset(workers.container, 'name'), /name/],
  ['a policy without pods', ({ of }) => unset(of('NetworkPolicy').spec, 'podSelector'), /podSelector/],
  ['a kind that does not exist', ({ of }) => set(of('Service'), 'kind', 'Servise'), /Servise/],
  [
    'a version that does not exist',
    ({ of }) => set(of('PodDisruptionBudget'), 'apiVersion', 'policy/v2'),
    /policy\/v2/,
  ],
];

export const jobSetMistakes: readonly Mistake[] = [
  [
    'an unknown field of a JobSet',
    ({ of }) => set(of('JobSet').spec, 'replicas', 2),
    /'"replicas"' does not exist/,
  ],
  [
    'an unknown field of its Jobs',
    ({ workers }) => set(workers.job, 'completion', 2),
    /'"completion"' does not exist/,
  ],
  [
    'half a worker in its Jobs',
    ({ workers }) => set(workers.job, 'parallelism', 1.5),
    /parallelism.*integer/,
  ],
  [
    'a policy that does not exist',
    ({ of }) => set(of('JobSet').spec.successPolicy, 'operator', 'Most'),
    /operator|"Most"/,
  ],
];
