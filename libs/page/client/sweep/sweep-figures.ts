/** The figures of a sweep that people look for first. */
import { countsOf, countText, metricText, type SweepView, shortHash } from '@lockstep/view';
import { spreadOf } from './current.ts';

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  /** Of a run or a sweep, which has a colour of its own. */
  readonly status?: string;
  /** Of 1, as a bar below. */
  readonly share?: number;
  readonly isHash?: boolean;
}

export function sweepFigures({ facts, progress, trials }: SweepView): readonly Figure[] {
  const { status, numTrials, best, tableSha256 } = progress;
  const counts = countsOf(trials);
  const ended = counts.finished + counts.pruned + counts.failed + counts.cancelled + counts.setAside;
  const others = (['pruned', 'failed', 'running'] as const)
    .filter((one) => counts[one] > 0)
    .map((one) => `${countText(counts[one])} ${one}`);
  const [objective] = facts.objectives;
  const found = trials.find(({ number }) => number === best);
  const [value] = found?.values ?? [];
  const spread = found?.spread === undefined ? '' : ` ± ${spreadOf(objective!.metric, found.spread)}`;
  return [
    { name: 'Status', value: status, note: '', status },
    {
      ...{ name: 'Trials', value: countText(ended) },
      note: [` of ${countText(numTrials)}`, ...others].join(', '),
      ...(status === 'running' && { share: ended / Math.max(1, numTrials) }),
    },
    ...(objective === undefined || value === undefined
      ? []
      : [
          {
            name: `Best ${objective.metric}`,
            value: `${metricText(objective.metric, value)}${spread}`,
            note: `trial ${best}`,
          },
        ]),
    {
      ...{ name: 'Search', value: facts.search.split(' ')[0]! },
      note: facts.stopping === undefined ? '' : `with ${facts.stopping.split(' ')[0]}`,
    },
    ...(tableSha256 === undefined
      ? []
      : [{ name: 'Table', value: shortHash(tableSha256), note: 'SHA-256', isHash: true }]),
  ];
}
