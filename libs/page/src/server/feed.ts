/** Changes of the runs, read while somebody watches, and passed on as server-sent events. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type Delta, toJson } from '@lockstep/view';
import type { FollowedRuns } from '../follow/followed-runs.ts';

export interface FeedOptions {
  readonly runs: FollowedRuns;
  /** Between two readings of runs that go on, in milliseconds. */
  readonly intervalMs: number;
}

/** Readings between two in which runs that have ended are read too, and new ones are looked for. */
const restEvery = 10;

/** Changes that are kept for readers that come back, in characters of JSON. */
const keptLength = 4_000_000;

/** A reader that takes nothing for so long is gone. */
const maxBacklogBytes = 16_000_000;

interface Kept {
  readonly number: number;
  readonly text: string;
}

export class Feed {
  readonly #runs: FollowedRuns;
  readonly #intervalMs: number;
  readonly #readers = new Set<ServerResponse>();
  /** Numbers of changes hold for this process alone. */
  readonly #id = randomBytes(6).toString('hex');
  #kept: Kept[] = [];
  #keptLength = 0;
  /** The number of the newest change. */
  #number = 0;
  /** Changes up to this one are no longer kept. */
  #forgotten = 0;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #numReadings = 0;
  #isClosed = false;

  constructor({ runs, intervalMs }: FeedOptions) {
    this.#runs = runs;
    this.#intervalMs = intervalMs;
  }

  /** Stands for all changes so far. */
  get cursor(): string {
    return `${this.#id}.${this.#number}`;
  }

  get numReaders(): number {
    return this.#readers.size;
  }

  /** Reads what was added to the runs and passes it on. Calls that overlap are one. */
  async read(isThorough = true): Promise<void> {
    this.#reading ??= this.#readOnce(isThorough).finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  /** Sends the changes after a cursor, and from then on every change. */
  follow(response: ServerResponse, cursor: string | undefined): void {
    response.write('retry: 1000\n\n');
    const after = this.#numberOf(cursor);
    if (after === undefined) response.write(eventText('reset', this.cursor, '{}'));
    else {
      for (const { number, text } of this.#kept) {
        if (number > after) response.write(eventText('delta', `${this.#id}.${number}`, text));
      }
    }
    if (this.#isClosed) {
      response.end();
      return;
    }
    this.#readers.add(response);
    response.on('close', () => {
      this.#readers.delete(response);
      if (this.#readers.size === 0) this.#rest();
    });
    this.#wake();
  }

  /** Passes on the last changes and ends all responses. */
  async close(): Promise<void> {
    if (this.#readers.size > 0) await this.read();
    this.#isClosed = true;
    this.#rest();
    for (const reader of this.#readers) {
      reader.write(eventText('end', this.cursor, '{}'));
      reader.end();
    }
  }

  async #readOnce(isThorough: boolean): Promise<void> {
    const changes = await this.#runs.read(isThorough);
    if (changes === 'revised') this.#startOver();
    else if (Object.values(changes).some(({ length }) => length > 0)) {
      this.#pass({ time: Date.now(), ...changes });
    }
  }

  #pass(delta: Delta): void {
    const text = toJson(delta);
    this.#number++;
    this.#kept.push({ number: this.#number, text });
    this.#keptLength += text.length;
    while (this.#keptLength > keptLength) {
      const oldest = this.#kept.shift()!;
      this.#keptLength -= oldest.text.length;
      this.#forgotten = oldest.number;
    }
    this.#tell(eventText('delta', this.cursor, text));
  }

  /** Readers ask for everything again. */
  #startOver(): void {
    this.#number++;
    this.#forgotten = this.#number;
    this.#kept = [];
    this.#keptLength = 0;
    this.#tell(eventText('reset', this.cursor, '{}'));
  }

  #tell(text: string): void {
    for (const reader of this.#readers) {
      if (reader.writableLength > maxBacklogBytes) reader.destroy();
      else reader.write(text);
    }
  }

  /** Undefined for a cursor of another process, or one so old that changes after it are gone. */
  #numberOf(cursor: string | undefined): number | undefined {
    const [id, text] = cursor?.split('.') ?? [];
    const number = Number(text);
    const isKept = id === this.#id && number >= this.#forgotten && number <= this.#number;
    return isKept ? number : undefined;
  }

  #wake(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      this.#numReadings++;
      const isThorough = this.#numReadings % restEvery === 0;
      // A comment shows proxies and browsers that the connection lives.
      if (isThorough) this.#tell(':\n\n');
      this.read(isThorough).catch((error: unknown) => this.#fail(error));
    }, this.#intervalMs);
    this.#timer.unref();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A folder that cannot be read at this moment does not end the page; readers are told. */
  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#tell(eventText('failed', this.cursor, toJson({ message })));
  }
}

/** JSON has no line feeds, so the text is one line of an event. */
const eventText = (event: string, id: string, text: string): string =>
  `event: ${event}\nid: ${id}\ndata: ${text}\n\n`;
