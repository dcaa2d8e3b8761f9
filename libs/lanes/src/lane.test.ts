import { spawn } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ownBell } from './bell.ts';
import { createLane, type Lane } from './lane.ts';
import { sharedMemory } from './shared-memory.ts';

const memory = sharedMemory();
const open: Lane[] = [];
afterEach(() => {
  for (const lane of open.splice(0)) lane.close();
});

interface End extends Lane {
  /** Resolves at the next ring of the bell. */
  rung(): Promise<void>;
  /** The messages that `take` passes on, as text. */
  taken(): string[];
}

function end(rank: number, numRanks = 2): End {
  const bell = new EventEmitter();
  const rings = on(bell, 'ring');
  const lane = createLane({ rank, numRanks, dataBytes: 4096, onBell: () => bell.emit('ring') })!;
  open.push(lane);
  const taken = () => {
    const messages: string[] = [];
    lane.take((peer, header, payload) =>
      messages.push(`${peer}: ${Buffer.from(header)} ${Buffer.from(payload)}`),
    );
    return messages;
  };
  return { ...lane, rung: async () => void (await rings.next()), taken };
}

function pair(): [End, End] {
  const [a, b] = [end(0), end(1)];
  expect([a.accept(1, b.invitation), b.accept(0, a.invitation)]).toEqual([true, true]);
  return [a, b];
}

/** Writes a text to the start of a lane's memory. */
function payloadOf(lane: Lane, text: string): Uint8Array {
  const bytes = Buffer.from(text);
  lane.data.set(bytes);
  return lane.data.subarray(0, bytes.length);
}

describe.skipIf(!memory.available)('a lane', () => {
  it('unmaps all memory at once when it is released', () => {
    const mapped = (): number =>
      readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes('memfd:lockstep')).length;
    const before = mapped();
    const [a, b] = pair();
    const payload = payloadOf(a, 'payload');
    expect(mapped()).toBe(before + 4);
    a.release();
    expect(mapped()).toBe(before + 2);
    // A remaining view is empty and does not show what is mapped at its address next.
    expect([payload.length, a.data.length]).toEqual([0, 0]);
    expect(a.post(1, Buffer.from('head'), payload)).toBe(false);
    expect(b.taken()).toEqual([]);
    a.release();
    b.release();
    expect(mapped()).toBe(before);
  });

  it('lets a thread without an event loop wait for its bell', () => {
    const quiet = createLane({ rank: 0, numRanks: 2, dataBytes: 64 })!;
    const peer = end(1);
    open.push(quiet);
    expect([quiet.accept(1, peer.invitation), peer.accept(0, quiet.invitation)]).toEqual([true, true]);
    quiet.sleep();
    expect(peer.post(0, Buffer.from('head'), payloadOf(peer, 'wake up'))).toBe(true);
    // Without the ring, this call would not return.
    quiet.hear();
    const taken: string[] = [];
    quiet.take((_peer, _header, payload) => taken.push(`${Buffer.from(payload)}`));
    expect(taken).toEqual(['wake up']);
    const rope = ownBell(quiet.bell);
    for (let i = 0; i < 100; i++) rope.ring();
    quiet.hear();
    rope.ring();
    quiet.hear();
    expect(() => peer.hear()).toThrow('only a lane without onBell can wait for its bell');
  });

  it('passes messages on in order, without a copy', () => {
    const [a, b] = pair();
    const payload = payloadOf(a, 'payload');
    for (const header of ['one', 'two']) expect(a.post(1, Buffer.from(header), payload)).toBe(true);
    // It is the same memory, so later writes are visible.
    payload.set(Buffer.from('P'));
    expect(b.taken()).toEqual(['0: one Payload', '0: two Payload']);
    expect(b.taken()).toEqual([]);
    expect(b.post(0, Buffer.from('back'), b.data.subarray(0, 0))).toBe(true);
    expect(a.taken()).toEqual(['1: back ']);
  });

  it('reaches a peer when each has accepted the other, and only on this host', () => {
    const [a, b] = [end(0), end(1)];
    const header = Buffer.from('x');
    expect(a.accept(1, b.invitation)).toBe(true);
    expect([a.reaches(1), a.post(1, header, a.data)]).toEqual([false, false]);
    const said = JSON.parse(Buffer.from(a.invitation).toString()) as Record<string, unknown>;
    for (const wrong of [
      { nonce: '0'.repeat(32) },
      { fd: 0 },
      { fd: 1 << 20 },
      { pid: 2 ** 22 + 1 },
      { bytes: 4096 },
      { bell: -1 },
      { bell: 'x' },
    ]) {
      expect(b.accept(0, Buffer.from(JSON.stringify({ ...said, ...wrong }))), JSON.stringify(wrong)).toBe(
        false,
      );
    }
    for (const wrong of ['null', '', '7']) expect(b.accept(0, Buffer.from(wrong)), wrong).toBe(false);
    expect(b.accept(0, a.invitation)).toBe(true);
    expect([a.reaches(1), a.reaches(0)]).toEqual([true, false]);
  });

  it('refuses messages that do not fit', () => {
    const [a, b] = pair();
    const empty = a.data.subarray(0, 0);
    expect(a.post(1, Buffer.from('x'), new Uint8Array(8))).toBe(false);
    expect(a.post(1, Buffer.alloc(49), empty)).toBe(false);
    let numPosted = 0;
    while (a.post(1, Buffer.from('x'), empty)) numPosted++;
    expect(numPosted).toBe(256);
    expect(b.taken()).toHaveLength(256);
    expect(a.post(1, Buffer.alloc(48, 'y'), empty)).toBe(true);
    expect(b.taken()).toEqual([`0: ${'y'.repeat(48)} `]);
  });

  it('rings once for a peer that sleeps', async () => {
    const [a, b] = pair();
    const post = (text: string) => a.post(1, Buffer.from(text), a.data.subarray(0, 0));
    post('awake');
    b.sleep();
    expect(b.taken()).toEqual(['0: awake ']);
    post('one');
    await b.rung();
    post('two');
    expect(b.taken()).toEqual(['0: one ', '0: two ']);
    b.wake();
    post('three');
    b.sleep();
    post('four');
    await b.rung();
    expect(b.taken()).toEqual(['0: three ', '0: four ']);
  });

  it('allows a handler to take further messages', () => {
    const [a, b] = pair();
    for (const header of ['one', 'two', 'three']) a.post(1, Buffer.from(header), a.data.subarray(0, 0));
    const order: string[] = [];
    b.take((_peer, header) => {
      order.push(`${Buffer.from(header)}`);
      if (order.length === 1) order.push(...b.taken());
    });
    expect(order).toEqual(['one', '0: two ', '0: three ']);
  });

  it('closes its descriptors', () => {
    const numOpen = () => readdirSync('/proc/self/fd').length;
    const before = numOpen();
    const [a, b] = pair();
    expect(numOpen()).toBeGreaterThan(before);
    a.close();
    b.close();
    expect(a.post(1, Buffer.from('x'), a.data)).toBe(false);
    expect(a.accept(1, b.invitation)).toBe(false);
    expect(numOpen()).toBe(before);
  });

  it('is forbidden by LOCKSTEP_SHARED_MEMORY=off', () => {
    process.env.LOCKSTEP_SHARED_MEMORY = 'off';
    onTestFinished(() => {
      delete process.env.LOCKSTEP_SHARED_MEMORY;
    });
    expect(sharedMemory()).toEqual({ available: false, reason: 'LOCKSTEP_SHARED_MEMORY=off' });
    expect(createLane({ rank: 0, numRanks: 2, dataBytes: 64, onBell: () => {} })).toBeUndefined();
  });
});

describe.skipIf(!memory.available)('a lane between processes', () => {
  it('keeps the messages of a process that is killed, and nothing else', async () => {
    const a = end(0);
    const script = fileURLToPath(new URL('./fixtures/lane.mjs', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect(a.accept(1, Buffer.from((await lines.next()).value as string))).toBe(true);
    child.stdin.write(`${Buffer.from(a.invitation)}\n`);
    // It answers once it has accepted us.
    expect((await lines.next()).value).toBe('accepted');
    a.sleep();
    a.post(1, Buffer.from('ping'), payloadOf(a, 'hello'));
    await a.rung();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(a.taken()).toEqual(['1: pong HELLO']);
    // Nobody reads the peer's bell any more, which is no error.
    expect(a.post(1, Buffer.from('late'), a.data.subarray(0, 0))).toBe(true);
    expect(readdirSync('/dev/shm').filter((name) => name.includes('lockstep'))).toEqual([]);
    const descriptors = readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`));
    // This is our own; the peer's descriptor was closed after mapping.
    expect(descriptors.filter((link) => link.startsWith('/memfd:lockstep'))).toHaveLength(1);
  });
});

/** The target of a descriptor; that of the listing itself is gone. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
