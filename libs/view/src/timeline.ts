/** Who took part in a run, and when: workers, generations, losses and notices, from its events and its journal. */

export interface Timeline {
  /** Every start of a coordinator, until the last event before the next start. */
  readonly sessions: readonly Span[];
  /** In the order in which they joined. */
  readonly workers: readonly WorkerLine[];
  readonly generations: readonly GenerationMark[];
  /** What else happened, oldest first. */
  readonly marks: readonly Mark[];
}

/** Times in milliseconds since 1970. Without `to` it goes on. */
export interface Span {
  readonly from: number;
  readonly to?: number;
}

export interface WorkerLine {
  readonly worker: string;
  readonly host?: string;
  readonly pid?: number;
  readonly threads?: number;
  readonly connected: readonly (Span & { readonly ending?: string })[];
  readonly memberships: readonly Membership[];
}

/** The time during which a worker was a member of one generation. */
export interface Membership extends Span {
  readonly generation: number;
  readonly rank: number;
  readonly shards?: number;
}

export interface GenerationMark {
  readonly generation: number;
  /** The step that it continued from. */
  readonly step: number;
  readonly time: number;
  readonly worldSize: number;
  readonly source?: string;
}

export type MarkKind = 'loss' | 'notice' | 'end';

export interface Mark {
  readonly kind: MarkKind;
  readonly time: number;
  /** The worker whose line it stands on. */
  readonly worker?: string;
  readonly text: string;
}

/** A record of a log. */
export type LogEntry = Readonly<Record<string, unknown>>;

interface OpenLine {
  readonly worker: string;
  host?: string;
  pid?: number;
  threads?: number;
  readonly connected: { from: number; to?: number; ending?: string }[];
  readonly memberships: { generation: number; rank: number; shards?: number; from: number; to?: number }[];
}

/** `isRunning`: what has begun and has not ended goes on; otherwise it ends with the last event of its session. */
export function timelineOf(
  events: readonly LogEntry[],
  journal: readonly LogEntry[],
  isRunning: boolean,
): Timeline {
  const sessions = sessionsOf(events, journal, isRunning);
  const shards = shardsOf(journal);
  const lines = new Map<string, OpenLine>();
  const generations: GenerationMark[] = [];
  const marks: Mark[] = [];
  const close = (line: OpenLine, time: number, ending?: string): void => {
    const open = line.connected.at(-1);
    if (open !== undefined && open.to === undefined) {
      open.to = time;
      if (ending !== undefined) open.ending = ending;
    }
    leave(line, time);
  };
  let session = 0;
  for (const event of events) {
    const time = timeOf(event);
    if (time === undefined) continue;
    // Connections end with their session.
    for (; sessions[session + 1] !== undefined && time >= sessions[session + 1]!.from; session++) {
      for (const line of lines.values()) close(line, sessions[session]!.to ?? time);
    }
    const worker = textOf(event.worker);
    if (event.type === 'joined' && worker !== undefined) join(lines, worker, event, time);
    else if (event.type === 'lost' && worker !== undefined) {
      const line = lines.get(worker);
      const reason = textOf(event.reason) ?? 'lost';
      if (line !== undefined) close(line, time, reason);
      marks.push({ kind: 'loss', time, worker, text: `lost: ${reason}` });
    } else if (event.type === 'generation') {
      generations.push(beginGeneration(lines, event, shards, time));
    } else {
      const text = sentenceOf(event);
      if (text !== undefined) {
        marks.push({ kind: isEnd(event) ? 'end' : 'notice', time, ...(worker && { worker }), text });
      }
    }
  }
  const end = sessions.at(-1)?.to;
  if (end !== undefined) for (const line of lines.values()) close(line, end);
  return { sessions, workers: [...lines.values()], generations, marks };
}

function leave(line: OpenLine, time: number): void {
  const member = line.memberships.at(-1);
  if (member !== undefined && member.to === undefined) member.to = time;
}

function join(lines: Map<string, OpenLine>, worker: string, event: LogEntry, time: number): void {
  const line = lines.get(worker) ?? { worker, connected: [], memberships: [] };
  lines.set(worker, line);
  const { host, pid, threads } = event;
  if (typeof host === 'string') line.host = host;
  if (typeof pid === 'number') line.pid = pid;
  if (typeof threads === 'number') line.threads = threads;
  const open = line.connected.at(-1);
  if (open === undefined || open.to !== undefined) line.connected.push({ from: time });
}

function beginGeneration(
  lines: Map<string, OpenLine>,
  event: LogEntry,
  shards: ReadonlyMap<string, number>,
  time: number,
): GenerationMark {
  const [generation, step] = [numberOf(event.generation) ?? 0, numberOf(event.step) ?? 0];
  const workers = Array.isArray(event.workers) ? event.workers.filter((one) => typeof one === 'string') : [];
  for (const line of lines.values()) leave(line, time);
  for (const [rank, worker] of workers.entries()) {
    const line = lines.get(worker) ?? { worker, connected: [{ from: time }], memberships: [] };
    lines.set(worker, line);
    const count = shards.get(`${generation} ${worker}`);
    line.memberships.push({ generation, rank, from: time, ...(count !== undefined && { shards: count }) });
  }
  const source = textOf(event.source);
  return { generation, step, time, worldSize: workers.length, ...(source !== undefined && { source }) };
}

/** Shards by generation and worker, which only the journal says. */
function shardsOf(journal: readonly LogEntry[]): ReadonlyMap<string, number> {
  const entries = journal.filter(({ type }) => type === 'generation');
  return new Map(
    entries.flatMap(({ generation, members }) =>
      (Array.isArray(members) ? (members as readonly LogEntry[]) : []).flatMap((member) => {
        const count = numberOf((member?.shards as LogEntry | undefined)?.count);
        return count === undefined ? [] : [[`${generation} ${member.worker}`, count] as const];
      }),
    ),
  );
}

function sessionsOf(
  events: readonly LogEntry[],
  journal: readonly LogEntry[],
  isRunning: boolean,
): readonly Span[] {
  const times = events.map(timeOf).filter((time) => time !== undefined);
  const started = journal.filter(({ type }) => type === 'started').map(timeOf);
  const starts = started.filter((time) => time !== undefined);
  if (starts.length === 0 && times.length > 0) starts.push(times[0]!);
  return starts.map((from, i) => {
    const next = starts[i + 1] ?? Number.POSITIVE_INFINITY;
    const to = times.findLast((time) => time >= from && time < next) ?? from;
    return isRunning && i === starts.length - 1 ? { from } : { from, to };
  });
}

const isEnd = ({ type }: LogEntry): boolean =>
  ['done', 'stoppedNonFinite', 'failing', 'nonFinite'].includes(`${type}`);

/** Undefined for events that the lines of workers show. */
function sentenceOf(event: LogEntry): string | undefined {
  const message = textOf(event.message);
  switch (event.type) {
    case 'loaded':
      return undefined;
    case 'refused':
      return `refused a worker: ${message ?? event.code}`;
    case 'linkLost':
      return 'lost its link to another worker';
    case 'waiting':
      return 'no worker is left; the run waits';
    case 'interrupting':
      return 'asked to stop';
    case 'buildDiffers':
      return 'goes on with another build than the one it began with';
    case 'nonFinite':
      return `step ${event.step} is not finite`;
    case 'nonFiniteState':
      return `the state of step ${event.step} is not finite; goes back to step ${event.from}`;
    case 'done':
      return 'finished';
    case 'stoppedNonFinite':
      return message ?? 'stopped at a value that is not finite';
    case 'lengthChanged':
      return `another length after step ${event.step}`;
    case 'turnedAway':
      return `refused a connection: ${event.reason}`;
    case 'badFrame':
      return `dropped a message that cannot be read: ${event.reason}`;
    default:
      return message ?? textOf(event.type);
  }
}

function timeOf({ time }: LogEntry): number | undefined {
  const parsed = Date.parse(textOf(time) ?? '');
  return Number.isNaN(parsed) ? undefined : parsed;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
