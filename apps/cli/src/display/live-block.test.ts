import { expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import { createLiveBlock } from './live-block.ts';

it('draws lines over the ones before, and writes above them', () => {
  const out = recordingStream(true, 10);
  let time = 0;
  const block = createLiveBlock(out, () => time);
  block.draw(() => ['one', 'two']);
  block.draw(() => ['too soon']);
  time = 100;
  block.draw(() => ['three and too long', 'four']);
  block.above('said\n');
  block.erase();
  expect(out.text()).toBe(
    'one\ntwo\r\x1b[1A\x1b[Jthree and\nfour\r\x1b[1A\x1b[Jsaid\nthree and\nfour\r\x1b[1A\x1b[J',
  );
});

it('draws what was asked for last when it is told to', () => {
  const out = recordingStream(true);
  const block = createLiveBlock(out, () => 0);
  block.draw(() => ['one']);
  block.draw(() => ['two']);
  block.flush();
  block.flush();
  expect(out.text()).toBe('one\r\x1b[Jtwo');
});

it('erases lines that a narrower window has wrapped', () => {
  let columns = 20;
  const out = { ...recordingStream(true), columns: () => columns };
  const block = createLiveBlock(out, () => 0);
  block.draw(() => ['x'.repeat(15), 'y']);
  columns = 5;
  block.erase();
  expect(out.text().endsWith('\r\x1b[3A\x1b[J')).toBe(true);
});

it('writes nothing but what is above where there is no terminal', () => {
  const out = recordingStream(false);
  const block = createLiveBlock(out);
  block.draw(() => ['one']);
  block.above('said\n');
  block.flush();
  block.erase();
  expect(out.text()).toBe('said\n');
});
