/** What the lines of `metrics.jsonl` come to, one line after the other. */
import { type LogRecord, lengthChanged } from '@lockstep/tracking';
import { type CurveKind, GrowingWork, type StepWork, type Work } from '@lockstep/view';
import { FollowedCurve } from './followed-curve.ts';

/** The name of the curve that is computed from times of workers. */
export const samplesPerSecond = 'samples/second';

/** Columns of work since it was last passed on. */
const newWorkColumns = 64;

export interface FollowedWorker {
  rank: number;
  readonly work: GrowingWork;
  fresh: GrowingWork;
}

export class FollowedMetrics {
  readonly curves = new Map<string, FollowedCurve>();
  readonly workers = new Map<string, FollowedWorker>();
  /** Lines that say more than metrics: the last step, and the last one with a fingerprint. */
  #lastStep: LogRecord | undefined;
  #lastFingerprint: LogRecord | undefined;
  /** Evaluations of the end of a run, by name of the metric. */
  readonly #final = new Map<string, number>();
  /** The step that workers report now, with the longest of their times. */
  #current: { readonly step: number; ms: number } | undefined;
  readonly #batchSize: number | undefined;
  #isRevised = false;

  /** Without `batchSize` there is no curve of samples per second. */
  constructor(batchSize: number | undefined) {
    this.#batchSize = batchSize;
  }

  /** The lines that a record of the run is made with. */
  get lines(): readonly LogRecord[] {
    return [this.#lastFingerprint, this.#lastStep].filter((line) => line !== undefined);
  }

  get steps(): number {
    return numberOf(this.#lastStep?.step) ?? 0;
  }

  /** Whether points that were there have gone since the last call. */
  takeRevised(): boolean {
    const isRevised = this.#isRevised;
    this.#isRevised = false;
    return isRevised;
  }

  add(line: LogRecord): void {
    switch (line.kind) {
      case 'step':
        this.#lastStep = line;
        if (typeof line.fingerprint === 'string') this.#lastFingerprint = line;
        this.#addValues('step', line);
        break;
      case 'evaluation':
        this.#addValues('evaluation', line);
        break;
      case 'work':
        this.#addWork(line);
        break;
      case lengthChanged:
        this.#cut(numberOf(line.step) ?? 0);
    }
  }

  /** The step that workers reported last is complete: the run is over. */
  end(): void {
    if (this.#current !== undefined) this.#rate(this.#current);
    this.#current = undefined;
  }

  #addValues(kind: CurveKind, { step, metrics, final }: LogRecord): void {
    if (typeof step !== 'number' || typeof metrics !== 'object' || metrics === null) return;
    for (const [name, logged] of Object.entries(metrics)) {
      const value = loggedNumber(logged);
      if (value === undefined) continue;
      this.#curve(name, kind).set(step, value);
      if (final === true) this.#final.set(name, step);
    }
  }

  #curve(name: string, kind: CurveKind): FollowedCurve {
    let curve = this.curves.get(name);
    if (curve === undefined) {
      curve = new FollowedCurve(name, kind);
      this.curves.set(name, curve);
    }
    return curve;
  }

  #addWork(line: LogRecord): void {
    const { worker, rank } = line;
    const work = workOf(line);
    if (typeof worker !== 'string' || work === undefined) return;
    let followed = this.workers.get(worker);
    if (followed === undefined) {
      followed = { rank: 0, work: new GrowingWork(), fresh: new GrowingWork(newWorkColumns) };
      this.workers.set(worker, followed);
    }
    followed.rank = numberOf(rank) ?? followed.rank;
    followed.work.add(work);
    followed.fresh.add(work);
    // A step takes as long as its slowest member.
    if (this.#current?.step === work.step) this.#current.ms = Math.max(this.#current.ms, work.stepMs);
    else {
      this.end();
      this.#current = { step: work.step, ms: work.stepMs };
    }
  }

  #rate({ step, ms }: { readonly step: number; readonly ms: number }): void {
    if (this.#batchSize === undefined || ms <= 0) return;
    this.#curve(samplesPerSecond, 'derived').set(step, (this.#batchSize / ms) * 1_000);
  }

  /** Steps after a change of the length are repeated, and the final evaluation belongs to the old length. */
  #cut(step: number): void {
    this.end();
    for (const [name, curve] of this.curves) {
      const final = this.#final.get(name);
      curve.keep((at) => at <= step && at !== final);
    }
    this.#final.clear();
    this.#isRevised = true;
  }
}

/** Work since the last call, which is passed on. */
export function takeFresh(followed: FollowedWorker): Work | undefined {
  if (followed.fresh.isEmpty) return undefined;
  const work = followed.fresh.get();
  followed.fresh = new GrowingWork(newWorkColumns);
  return work;
}

function workOf(line: LogRecord): StepWork | undefined {
  const { step, stepMs } = line;
  if (typeof step !== 'number' || typeof stepMs !== 'number') return undefined;
  const of = (field: string): number => numberOf(line[field]) ?? 0;
  const [computeMs, waitMs, networkMs] = [of('computeMs'), of('waitMs'), of('networkMs')];
  const [sentBytes, receivedBytes] = [of('sentBytes'), of('receivedBytes')];
  return { step, stepMs, computeMs, waitMs, networkMs, sentBytes, receivedBytes };
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** A log holds numbers that JSON lacks as text. */
function loggedNumber(value: unknown): number | undefined {
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  return numberOf(value);
}
