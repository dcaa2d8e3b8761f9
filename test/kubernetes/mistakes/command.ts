/** Command lines, and what they say about ports, folders and probes. */
import { type Mistake, set, unset, word } from './plant.ts';

export const commandMistakes = {
  commandLines: [
    [
      'an option that the command does not know',
      ({ workers: { container } }) => container.args.push('--worker=2'),
      /unknown: 'worker'/,
    ],
    [
      'an option of the run that does not exist',
      ({ coordinator: { container } }) => container.args.push('--epoch=2'),
      /unknown: 'epoch'/,
    ],
    ['a value that is no number', ({ coordinator }) => word(coordinator, '--port', '--port=join'), /port/],
    [
      'a command that does not exist',
      ({ workers: { container } }) => set(container.args, 0, 'lunch'),
      /does not start lockstep launch/,
    ],
    [
      'no experiment',
      ({ coordinator: { container } }) => set(container, 'args', container.args.slice(0, -4)),
      /<experiment> is missing/,
    ],
    ['a run without a name', ({ coordinator }) => word(coordinator, '--job'), /starts another run/],
    [
      'a variable that nothing sets',
      ({ workers: { container } }) => set(container, 'env', []),
      /no variable THREADS/,
    ],
    [
      'threads of another limit',
      ({ workers }) => word(workers, '--threads', '--threads=8'),
      /8 for a limit of 2/,
    ],
    ['threads of the whole node', ({ workers }) => word(workers, '--threads'), /for a limit of 2/],
    [
      'a Service that does not exist',
      ({ workers }) => word(workers, '--coordinator', '--coordinator=coordinator:7070'),
      /no Service is named coordinator/,
    ],
    [
      'a port that the Service does not have',
      ({ workers }) => word(workers, '--coordinator', '--coordinator=lockstep-coordinator:7000'),
      /no port 7000/,
    ],
    [
      'the port of the page',
      ({ workers }) => word(workers, '--coordinator', '--coordinator=lockstep-coordinator:8080'),
      /does not lead to the coordinator/,
    ],
    [
      'another port of the coordinator',
      ({ coordinator }) => word(coordinator, '--port', '--port=7000'),
      /port 7000, which is not the port join/,
    ],
    [
      'another port of a worker',
      ({ workers }) => word(workers, '--bind', '--bind=tcp://0.0.0.0:7072'),
      /not the port mesh/,
    ],
    [
      'more workers than there are',
      ({ coordinator }) => word(coordinator, '--workers-expected', '--workers-expected=3'),
      /waits for 3 workers, and there are 2/,
    ],
    [
      'runs in the image',
      ({ coordinator }) => word(coordinator, '--run-root'),
      /nothing can be written to runs/,
    ],
    [
      'runs in a volume that is read-only',
      ({ coordinator: { container } }) => set(container.volumeMounts[1], 'readOnly', true),
      /nothing can be written to \/runs/,
    ],
    ['no page', ({ coordinator }) => word(coordinator, '--page'), /answers no probe/],
    [
      'a page of the pod alone',
      ({ coordinator }) => word(coordinator, '--page', '--page=8080'),
      /a kubelet does not reach/,
    ],
    [
      'a page at another port',
      ({ coordinator }) => word(coordinator, '--page', '--page=0.0.0.0:8081'),
      /port 8081, which is not the port page/,
    ],
    [
      'a page whose token nobody knows',
      ({ coordinator: { container } }) => set(container, 'env', []),
      /nobody knows the token/,
    ],
    [
      'a probe of a path that is not served',
      ({ coordinator: { container } }) => set(container.livenessProbe.httpGet, 'path', '/health'),
      /nothing is served at \/health/,
    ],
    [
      'a probe of a path that needs the token',
      ({ coordinator: { container } }) => set(container.livenessProbe.httpGet, 'path', '/metrics'),
      /nothing is served at \/metrics/,
    ],
    [
      'a probe of another port',
      ({ coordinator: { container } }) => set(container.readinessProbe.httpGet, 'port', 'join'),
      /not at port join/,
    ],
    [
      'a run that waits is killed',
      ({ coordinator: { container } }) => set(container.livenessProbe.httpGet, 'path', '/readyz'),
      /\/readyz instead of \/healthz/,
    ],
    [
      'no probe while it starts',
      ({ coordinator: { container } }) => unset(container, 'startupProbe'),
      /no startupProbe/,
    ],
  ],
} satisfies Record<string, readonly Mistake[]>;
