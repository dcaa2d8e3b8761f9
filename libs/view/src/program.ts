/** What a step consists of, from a trace of its workers: segments of the program, exchanges and the update, with mean times. */

export type PartKind = 'segment' | 'exchange' | 'update';

export interface ProgramPart {
  readonly name: string;
  readonly kind: PartKind;
  /** After the beginning of the step, in milliseconds; the mean over steps, workers and threads. */
  readonly beginMs: number;
  readonly durationMs: number;
  /** That one worker sends, in the mean; 0 for parts that send nothing. */
  readonly bytes: number;
}

/** An event of a trace in Chrome's format, which nobody has checked. */
export type TraceEvent = Readonly<Record<string, unknown>>;

interface Sum {
  readonly kind: PartKind;
  count: number;
  beginUs: number;
  durationUs: number;
  bytes: number;
}

interface Span {
  readonly name: string;
  readonly kind: PartKind;
  readonly ts: number;
  readonly durationUs: number;
  readonly bytes: number;
}

/** Steps whose beginning is not known yet, at most. */
const maxPending = 256;

export class GrowingProgram {
  readonly #sums = new Map<string, Sum>();
  /** Spans by worker and step, until the step's own span tells when it began. */
  readonly #pending = new Map<string, Span[]>();
  /** Exchanges that have begun. */
  readonly #begun = new Map<string, { readonly ts: number; readonly step: number; readonly bytes: number }>();

  get isEmpty(): boolean {
    return this.#sums.size === 0;
  }

  add(event: TraceEvent): void {
    const { ph, pid, tid, ts, name, id } = event;
    if (typeof ts !== 'number' || typeof name !== 'string') return;
    const { step, bytes } = (event.args ?? {}) as { readonly step?: unknown; readonly bytes?: unknown };
    if (ph === 'X' && typeof step === 'number' && typeof event.dur === 'number') {
      if (tid === 0) this.#begin(`${pid} ${step}`, ts);
      else this.#span(`${pid} ${step}`, step, { name, ts, durationUs: event.dur, bytes: 0 });
    } else if (ph === 'b' && typeof step === 'number') {
      this.#begun.set(String(id), { ts, step, bytes: typeof bytes === 'number' ? bytes : 0 });
    } else if (ph === 'e') {
      const begun = this.#begun.get(String(id));
      if (begun === undefined) return;
      this.#begun.delete(String(id));
      const span = { name, ts: begun.ts, durationUs: ts - begun.ts, bytes: begun.bytes };
      this.#span(`${pid} ${begun.step}`, begun.step, span);
    }
  }

  /** In the order in which they begin. */
  get(): readonly ProgramPart[] {
    return [...this.#sums]
      .map(([name, { kind, count, beginUs, durationUs, bytes }]) => ({
        ...{ name, kind, beginMs: beginUs / count / 1_000 },
        ...{ durationMs: durationUs / count / 1_000, bytes: bytes / count },
      }))
      .sort((a, b) => a.beginMs - b.beginMs);
  }

  #span(key: string, step: number, span: Omit<Span, 'kind'>): void {
    const kind = kindOf(span.name);
    // The first step compiles and allocates.
    if (kind === undefined || step < 2) return;
    const spans = this.#pending.get(key) ?? [];
    spans.push({ ...span, kind });
    this.#pending.set(key, spans);
    if (this.#pending.size > maxPending) this.#pending.delete(this.#pending.keys().next().value!);
  }

  #begin(key: string, begin: number): void {
    for (const { name, kind, ts, durationUs, bytes } of this.#pending.get(key) ?? []) {
      const sum = this.#sums.get(name) ?? { kind, count: 0, beginUs: 0, durationUs: 0, bytes: 0 };
      sum.count++;
      sum.beginUs += ts - begin;
      sum.durationUs += durationUs;
      sum.bytes += bytes;
      this.#sums.set(name, sum);
    }
    this.#pending.delete(key);
  }
}

function kindOf(name: string): PartKind | undefined {
  if (name.startsWith('segment ')) return 'segment';
  if (name.startsWith('exchange ')) return 'exchange';
  return name === 'update' ? 'update' : undefined;
}
