/** The record of a run: what it was, what came of it, and how to get it again. */
import { metricText, type Value } from '@lockstep/view';
import { type App, currentRun, type View } from './app.ts';
import { h } from './dom.ts';
import { createPicker } from './run-picker.ts';
import type { ShownRun } from './store.ts';

export function createRunView(app: App): View {
  const picker = createPicker(app);
  const content = h('div', { class: 'record' });
  let shape = '';
  return {
    element: h('div', {}, picker.element, content),
    close: () => undefined,
    update() {
      picker.update();
      const run = currentRun(app);
      const next = JSON.stringify([run?.facts, run?.progress]);
      if (next === shape) return;
      shape = next;
      content.replaceChildren(...(run === undefined ? [] : partsOf(run)));
    },
  };
}

function partsOf(run: ShownRun): readonly Node[] {
  const { facts, progress } = run;
  const { fingerprint, fingerprintStep, chain, checkpoints } = progress;
  return [
    again(run),
    metricsTable(run),
    group('Identity', {
      identity: facts.identity,
      fingerprint: fingerprint && `${fingerprint} at step ${fingerprintStep}`,
      chain,
      data: facts.data,
      ...prefixed('program, ', facts.programs),
      builds: facts.builds.join(' '),
    }),
    group('Parameters', { ...facts.params, seed: facts.seed }),
    group('Settings', { ...facts.config, profile: facts.profile }),
    group('Where and when', {
      created: facts.created,
      machine: facts.machine,
      platform: facts.platform,
      ...facts.versions,
      parent: facts.parent && `${facts.parent.run}, step ${facts.parent.step}`,
      checkpoints: checkpoints.length === 0 ? undefined : `steps ${checkpoints.join(', ')}`,
    }),
  ].filter((part) => part !== undefined);
}

const isHash = (value: Value | undefined): boolean => /^[0-9a-f]{32}/.test(String(value));

const prefixed = (prefix: string, values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));

/** The command and what it must give: whoever runs it gets the same parameters, bit for bit. */
function again({ facts, progress }: ShownRun): HTMLElement | undefined {
  if (facts.command === undefined) return undefined;
  const copied = h('span', { class: 'copied', role: 'status' });
  const { command } = facts;
  const copy = h(
    'button',
    {
      type: 'button',
      on: {
        click: () =>
          void navigator.clipboard.writeText(command).then(
            () => copied.replaceChildren('copied'),
            () => copied.replaceChildren('the browser does not allow it'),
          ),
      },
    },
    'Copy',
  );
  const { fingerprint, fingerprintStep } = progress;
  const result =
    fingerprint === undefined
      ? []
      : [
          h(
            'p',
            { class: 'result' },
            `Any number of workers gives the fingerprint of step ${fingerprintStep}: `,
            h('code', {}, fingerprint),
          ),
        ];
  return h(
    'section',
    { class: 'again' },
    h('h2', {}, 'To get these numbers again'),
    h('div', { class: 'command' }, h('code', {}, command), copy, copied),
    ...result,
  );
}

function metricsTable({ progress, curves }: ShownRun): HTMLElement | undefined {
  const rows = Object.entries(progress.metrics).map(([name, { last, lastStep, best, bestStep }]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', { class: 'number' }, metricText(name, last)),
      h('td', { class: 'number' }, String(lastStep)),
      h('td', { class: 'number' }, best === undefined ? '–' : metricText(name, best)),
      h('td', { class: 'number' }, bestStep === undefined ? '–' : String(bestStep)),
      h('td', { class: 'number' }, exactText(curves.get(name) === undefined ? undefined : last)),
    ),
  );
  if (rows.length === 0) return undefined;
  const heads = ['Metric', 'Last', 'At step', 'Best', 'At step', 'Last in full'];
  return h(
    'section',
    {},
    h('h2', {}, 'Results'),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Results' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h('tr', {}, ...heads.map((head, i) => h('th', { scope: 'col', class: i > 0 && 'number' }, head))),
        ),
        h('tbody', {}, ...rows),
      ),
    ),
  );
}

const exactText = (value: number | undefined): string => (value === undefined ? '–' : String(value));

function group(title: string, values: Readonly<Record<string, Value | undefined>>): HTMLElement | undefined {
  const known = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  if (known.length === 0) return undefined;
  return h(
    'section',
    {},
    h('h2', {}, title),
    h(
      'dl',
      { class: 'facts' },
      ...known.map(([name, value]) =>
        h('div', {}, h('dt', {}, name), h('dd', { class: isHash(value) && 'hash' }, String(value))),
      ),
    ),
  );
}
