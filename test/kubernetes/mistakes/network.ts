/** Services, policies and budgets. */
import { type Mistake, set, unset } from './plant.ts';

export const networkMistakes = {
  services: [
    ['no selector', ({ of }) => unset(of('Service').spec, 'selector'), /selector is missing/],
    [
      'a selector of no pod',
      ({ of }) => set(of('Service').spec.selector, 'app.kubernetes.io/name', 'lokstep'),
      /selects no pod/,
    ],
    [
      'a port that no container has',
      ({ of }) => set(of('Service').spec.ports[0], 'targetPort', 'joins'),
      /no container of .* has the port joins/,
    ],
    ['an address of its own', ({ of }) => unset(of('Service').spec, 'clusterIP'), /not headless/],
    [
      'no coordinator before it is ready',
      ({ of }) => unset(of('Service').spec, 'publishNotReadyAddresses'),
      /cannot be found/,
    ],
  ],
  policies: [
    [
      'a policy of no pod',
      ({ of }) =>
        set(
          of('NetworkPolicy', 'lockstep-workers').spec.podSelector.matchLabels,
          'app.kubernetes.io/component',
          'workers',
        ),
      /selects no pod/,
    ],
    [
      'all may come in',
      ({ of }) => set(of('NetworkPolicy', 'lockstep-workers').spec, 'policyTypes', ['Egress']),
      /no policy limits its ingress/,
    ],
    [
      'workers that do not reach the coordinator',
      ({ of }) => of('NetworkPolicy', 'lockstep-coordinator').spec.ingress.shift(),
      /does not reach port 7070/,
    ],
    [
      'workers that do not leave',
      ({ of }) => of('NetworkPolicy', 'lockstep-workers').spec.egress.shift(),
      /does not reach port 7070/,
    ],
    [
      'workers that do not reach each other',
      ({ of }) => set(of('NetworkPolicy', 'lockstep-workers').spec.ingress[0].ports[0], 'port', 7070),
      /does not reach port 7071/,
    ],
    [
      'UDP for TCP',
      ({ of }) => set(of('NetworkPolicy', 'lockstep-workers').spec.ingress[0].ports[0], 'protocol', 'UDP'),
      /does not reach port 7071/,
    ],
    [
      'no names',
      ({ of }) => of('NetworkPolicy', 'lockstep-workers').spec.egress.pop(),
      /cannot look names up/,
    ],
  ],
  budgets: [
    [
      'a budget of no pod',
      ({ of }) => set(of('PodDisruptionBudget').spec.selector.matchLabels, 'app.kubernetes.io/name', 'x'),
      /selects no pod/,
    ],
    [
      'a share of the pods',
      ({ of }) => set(of('PodDisruptionBudget').spec, 'minAvailable', '50%'),
      /whole number/,
    ],
    [
      'no drain at all',
      ({ of }) => set(of('PodDisruptionBudget').spec, 'minAvailable', 2),
      /no node can be drained/,
    ],
  ],
} satisfies Record<string, readonly Mistake[]>;
