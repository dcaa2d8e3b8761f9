/** Where the data come from: this file, or the server that sent this page. */
import { type Delta, fromJson, type PageData, unpack, type WindowData } from '@lockstep/view';

export type Link = 'file' | 'live' | 'lost' | 'ended';

export interface Source {
  load(): Promise<PageData>;
  /** Curves of a window more finely; null where there are no more points than those that `load` gave. */
  readonly window: ((asked: WindowRequest, signal: AbortSignal) => Promise<WindowData>) | null;
  /** Calls back with changes after the data of `load`. */
  follow(cursor: string, listener: FollowListener): void;
}

export interface WindowRequest {
  readonly from: number;
  readonly to: number;
  readonly columns: number;
  readonly runs: readonly number[];
  readonly metrics: readonly string[];
}

export interface FollowListener {
  delta(delta: Delta): void;
  /** Everything must be loaded again. */
  reset(): void;
  link(link: Link): void;
}

export function findSource(): Source {
  const embedded = document.getElementById('data');
  return embedded === null ? server : fileOf(embedded.textContent ?? '');
}

function fileOf(base64: string): Source {
  return {
    load: async () => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
      return unpack(new Uint8Array(await new Response(stream).arrayBuffer())) as PageData;
    },
    window: null,
    follow: () => undefined,
  };
}

const server: Source = {
  load: async () => (await read('data')) as PageData,
  window: async ({ from, to, columns, runs, metrics }, signal) => {
    const query = new URLSearchParams({
      from: String(from),
      to: String(to),
      columns: String(columns),
      runs: runs.join(','),
    });
    for (const metric of metrics) query.append('metric', metric);
    return (await read(`window?${query}`, signal)) as WindowData;
  },
  follow,
};

/** After the end of a server, which may be followed by another one at the same address. */
const againMs = 5_000;

function follow(cursor: string, listener: FollowListener): void {
  const events = new EventSource(`changes?after=${encodeURIComponent(cursor)}`);
  events.addEventListener('open', () => listener.link('live'));
  events.addEventListener('error', () => {
    // The browser tries again by itself, unless it was refused.
    listener.link(events.readyState === EventSource.CLOSED ? 'ended' : 'lost');
  });
  events.addEventListener('delta', ({ data }) => listener.delta(fromJson(data) as Delta));
  events.addEventListener('reset', () => {
    events.close();
    listener.reset();
  });
  events.addEventListener('end', ({ lastEventId }) => {
    events.close();
    listener.link('ended');
    void waitForServer().then(() => follow(lastEventId, listener));
  });
}

async function waitForServer(): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, againMs));
    const isThere = await fetch('page.css', { method: 'HEAD' }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isThere) return;
  }
}

async function read(path: string, signal?: AbortSignal): Promise<unknown> {
  const response = await fetch(path, signal === undefined ? {} : { signal });
  if (!response.ok) throw new Error((await response.text()).trim() || `${response.status}`);
  return unpack(new Uint8Array(await response.arrayBuffer()));
}
