import { expect, it } from 'vitest';
import { createTracer } from './tracer.ts';

const segment = { order: 'segment', segment: 1, step: 7 } as const;

it('keeps nothing unless it is enabled', () => {
  const tracer = createTracer();
  tracer.ran(0, segment, 10, 5);
  expect(tracer.take()).toBeUndefined();
});

it('shows what a thread does and how long it waits in between, by the time of day', () => {
  const tracer = createTracer(1000);
  tracer.enable();
  tracer.ran(0, segment, 10, 5);
  tracer.ran(0, { order: 'update', step: 7 }, 18, 2);
  expect(tracer.take()).toEqual({
    spans: [
      { name: 'segment 2', track: 0, startMs: 1010, durationMs: 5, step: 7 },
      { name: 'waiting', track: 0, startMs: 1015, durationMs: 3, step: 7 },
      { name: 'update', track: 0, startMs: 1018, durationMs: 2, step: 7 },
    ],
    numDropped: 0,
  });
  expect(tracer.take()).toEqual({ spans: [], numDropped: 0 });
});

it('counts the spans that it has no room for', () => {
  const tracer = createTracer();
  tracer.enable();
  const span = { name: 'step', track: 'steps', startMs: 0, durationMs: 1, step: 1 } as const;
  for (let i = 0; i < 5000; i++) tracer.add(span);
  const trace = tracer.take()!;
  expect(trace.spans.length + trace.numDropped).toBe(5000);
  expect(trace.numDropped).toBeGreaterThan(0);
});
