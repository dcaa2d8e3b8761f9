/** Compares a run that is computed again with its logs, step by step. */
import type { LogRecord } from '@lockstep/tracking';
import {
  type LoggedMetrics,
  type LoggedStep,
  type LoggedStop,
  loggedMetrics,
  loggedStep,
  type RunLogs,
} from './run-logs.ts';
import type { StepDigests } from './step-digests.ts';

/** The first place at which a run that is computed again parts from its logs. */
export interface Parting {
  readonly step: number;
  /** `loss` or another metric, `fingerprint`, `state hash`, `chain`, `digest of …`, `non-finite values` or `end`. */
  readonly what: string;
  /** Null for what only the other side has. */
  readonly recorded: string | number | null;
  readonly computed: string | number | null;
}

/** How much was compared. */
export interface Compared {
  readonly steps: number;
  readonly fingerprints: number;
  readonly evaluations: number;
  /** Digests of values that all members of a step have in common. */
  readonly digests: number;
}

/** Reports are compared with the logs in the order in which they come. Each call returns the first difference, if there is one. */
export interface Comparison {
  readonly compared: Compared;
  /** `report`: what becomes a line of the log. */
  step(step: number, report: LogRecord, digests?: StepDigests): Parting | undefined;
  evaluation(step: number, isFinal: boolean, report: LogRecord): Parting | undefined;
  /** The run has ended after `step`. */
  finished(step: number, fingerprint: string): Parting | undefined;
  /** The run has stopped because `stop.step` was not finite. */
  stopped(stop: LoggedStop): Parting | undefined;
}

export interface ComparisonOptions {
  /** Later steps are not compared. Default: the last step of the logs. */
  readonly until?: number;
  /** The digests that members recorded of a step. Default: none. */
  readonly digestsOf?: (step: number) => readonly StepDigests[];
}

/** `logs` tell what was computed before. What they lack is not compared. */
export function compareWith(logs: RunLogs, options: ComparisonOptions = {}): Comparison {
  const { until = logs.lastStep, digestsOf = () => [] } = options;
  /** Whether both sides extend the chain by the same hashes. */
  let isOneChain = true;
  let compared: Compared = { steps: 0, fingerprints: 0, evaluations: 0, digests: 0 };
  const count = (more: Partial<Compared>): void => {
    const sum = (name: keyof Compared): number => compared[name] + (more[name] ?? 0);
    compared = {
      ...{ steps: sum('steps'), fingerprints: sum('fingerprints') },
      ...{ evaluations: sum('evaluations'), digests: sum('digests') },
    };
  };
  return {
    get compared() {
      return compared;
    },
    step(step, report, digests) {
      const recorded = logs.steps.get(step);
      if (recorded === undefined || step > until) return undefined;
      const computed = loggedStep(report);
      if (recorded.stateHash === undefined && computed.stateHash !== undefined) isOneChain = false;
      const known = digestsOf(step);
      const parting =
        partingOfSteps(step, recorded, computed) ??
        (isOneChain ? partingOf(step, 'chain', recorded.chain, computed.chain) : undefined) ??
        partingOfDigests(step, known, digests ?? noDigests);
      if (parting !== undefined) return parting;
      const names = [...(known[0] ?? noDigests).keys()].filter((name) => digests?.has(name));
      const fingerprints = recorded.fingerprint === undefined ? 0 : 1;
      count({ steps: 1, fingerprints, digests: names.length });
      return undefined;
    },
    evaluation(step, isFinal, report) {
      const final = logs.final?.step === step ? logs.final.metrics : undefined;
      const recorded = isFinal ? final : logs.evaluations.get(step);
      if (recorded === undefined || step > until) return undefined;
      const parting = partingOfMetrics(step, recorded, loggedMetrics(report));
      if (parting === undefined) count({ evaluations: 1 });
      return parting;
    },
    finished(step, fingerprint) {
      const { stop, result, lastStep } = logs;
      const end = Math.min(until, stop?.step ?? lastStep);
      if (stop !== undefined && end === stop.step) return partingOfStops(stop, undefined);
      if (step < end) return { step, what: 'end', recorded: `step ${end}`, computed: `step ${step}` };
      if (result?.step !== step) return undefined;
      return partingOf(step, 'fingerprint', result.fingerprint, fingerprint);
    },
    stopped: (stop) => partingOfStops(logs.stop, stop),
  };
}

function partingOfSteps(step: number, recorded: LoggedStep, computed: LoggedStep): Parting | undefined {
  return (
    partingOfMetrics(step, recorded.metrics, computed.metrics) ??
    partingOf(step, 'non-finite values', listOf(recorded.nonFinite), listOf(computed.nonFinite)) ??
    partingOf(step, 'fingerprint', recorded.fingerprint, computed.fingerprint) ??
    partingOf(step, 'state hash', recorded.stateHash, computed.stateHash)
  );
}

const listOf = (what: readonly string[] = []): string => what.join(', ') || 'none';

/** Metrics that only the computed side has are no difference: an older release recorded fewer. */
function partingOfMetrics(
  step: number,
  recorded: LoggedMetrics,
  computed: LoggedMetrics,
): Parting | undefined {
  for (const [name, value] of Object.entries(recorded)) {
    const parting = partingOf(step, name, value, computed[name]);
    if (parting !== undefined) return parting;
  }
  return undefined;
}

const noDigests: StepDigests = new Map();

/** A build that gives values other names has no digests of the recorded ones. */
function partingOfDigests(
  step: number,
  recorded: readonly StepDigests[],
  computed: StepDigests,
): Parting | undefined {
  for (const ofMember of recorded) {
    for (const [name, digest] of ofMember) {
      if (!computed.has(name)) continue;
      const parting = partingOf(step, `digest of ${name}`, digest, computed.get(name));
      if (parting !== undefined) return parting;
    }
  }
  return undefined;
}

/** Either side has stopped at something that is not finite. */
function partingOfStops(
  recorded: LoggedStop | undefined,
  computed: LoggedStop | undefined,
): Parting | undefined {
  const step = recorded?.step ?? computed!.step;
  const textOf = (stop: LoggedStop | undefined): string =>
    stop === undefined
      ? 'every step is finite'
      : `the ${stop.cause} of step ${stop.step}: ${stop.what.join(', ')}`;
  return partingOf(step, 'non-finite values', textOf(recorded), textOf(computed));
}

function partingOf(
  step: number,
  what: string,
  recorded: string | number | undefined,
  computed: string | number | undefined,
): Parting | undefined {
  if (recorded === undefined || recorded === computed) return undefined;
  return { step, what, recorded, computed: computed ?? null };
}
