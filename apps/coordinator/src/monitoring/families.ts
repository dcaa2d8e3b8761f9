/**
 * The metrics of a run that Prometheus reads: names with base units, types, labels and help. docs/monitoring.md lists them, and
 * the board in deploy/grafana draws them; a test compares both with this table.
 */

export interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Names of labels. Their values are bounded by the run: there is no label for a worker's id, which changes with each restart. */
  readonly labels?: readonly string[];
}

/** Bounds of the buckets of `lockstep_step_seconds`, beside infinity. */
export const stepSecondsBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

export const families = {
  lockstep_build_info: {
    type: 'gauge',
    help: 'Always 1. The release of lockstep, the first digits of the hash of its code, and Node.',
    labels: ['version', 'build', 'node'],
  },
  lockstep_run_info: {
    type: 'gauge',
    help: 'Always 1. The folder of the run, its experiment, and its profile once a generation has begun.',
    labels: ['run', 'experiment', 'profile'],
  },
  lockstep_step: { type: 'gauge', help: 'The last step that is done.' },
  lockstep_target_steps: { type: 'gauge', help: 'Steps of the whole run.' },
  lockstep_steps_total: { type: 'counter', help: 'Steps that are done.' },
  lockstep_batch_samples: { type: 'gauge', help: 'Samples of a step, over all workers.' },
  lockstep_samples_per_second: {
    type: 'gauge',
    help: 'Samples of a step by the time of its slowest member, of the last step that all members have reported.',
  },
  lockstep_step_seconds: {
    type: 'histogram',
    help: 'Times of steps, each that of its slowest member. A step that was computed again counts again.',
  },
  lockstep_last_step_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last step was done, in seconds since 1970. Absent until this process has seen a step.',
  },
  lockstep_loss: { type: 'gauge', help: 'The loss of the last step.' },
  lockstep_gradient_norm: { type: 'gauge', help: 'The norm of the gradient of the last step.' },
  lockstep_learning_rate: {
    type: 'gauge',
    help: 'The learning rate of the last step, in runs whose optimizer has monitorLearningRate.',
  },
  lockstep_step_metric: {
    type: 'gauge',
    help: 'Other metrics of the last step, by the name that the experiment gives them.',
    labels: ['metric'],
  },
  lockstep_evaluations_total: { type: 'counter', help: 'Evaluations, with the final one.' },
  lockstep_evaluation_metric: {
    type: 'gauge',
    help: 'Results of the last evaluation that has them, such as validation/loss.',
    labels: ['metric'],
  },
  lockstep_non_finite_steps_total: {
    type: 'counter',
    help: 'Steps that were not finite, in a run that goes on after them.',
  },
  lockstep_worker_steps_total: {
    type: 'counter',
    help: 'Steps that the member of a rank has reported. Steps that were computed again count again.',
    labels: ['rank'],
  },
  lockstep_worker_step_seconds_total: {
    type: 'counter',
    help: 'Time of steps of the member of a rank.',
    labels: ['rank'],
  },
  lockstep_worker_compute_seconds_total: {
    type: 'counter',
    help: 'Time in which the member of a rank computed.',
    labels: ['rank'],
  },
  lockstep_worker_wait_seconds_total: {
    type: 'counter',
    help: 'Time in which the member of a rank waited for others that were slower.',
    labels: ['rank'],
  },
  lockstep_worker_network_seconds_total: {
    type: 'counter',
    help: 'Time of exchanges of the member of a rank, after the slowest had begun them.',
    labels: ['rank'],
  },
  lockstep_worker_sent_bytes_total: {
    type: 'counter',
    help: 'Bytes that the member of a rank sent to other members.',
    labels: ['rank'],
  },
  lockstep_worker_received_bytes_total: {
    type: 'counter',
    help: 'Bytes that the member of a rank received from other members.',
    labels: ['rank'],
  },
  lockstep_workers: { type: 'gauge', help: 'Workers that are connected, with those that stand by.' },
  lockstep_members: { type: 'gauge', help: 'Workers of the current generation; 0 while none computes.' },
  lockstep_generation: { type: 'gauge', help: 'The number of the last generation.' },
  lockstep_generations_total: { type: 'counter', help: 'Generations that have begun.' },
  lockstep_joins_total: { type: 'counter', help: 'Workers that have joined.' },
  lockstep_losses_total: { type: 'counter', help: 'Workers that were lost.', labels: ['reason'] },
  lockstep_checkpoints_total: { type: 'counter', help: 'Checkpoints that were written.' },
  lockstep_checkpoint_step: { type: 'gauge', help: 'The step of the newest checkpoint.' },
  process_cpu_seconds_total: { type: 'counter', help: 'Processor time of the coordinator.' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory of the coordinator.' },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the coordinator was started, in seconds since 1970.',
  },
} as const satisfies Readonly<Record<string, Family>>;

export type FamilyName = keyof typeof families;
