/**
 * Fingerprints that no refactoring may change. If a change moves them on purpose, rewrite them with
 * `LOCKSTEP_WRITE_GOLDEN=1 npx vitest run --project cluster`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

type Profile = 'portable' | 'fma';
type Golden = Record<string, Partial<Record<Profile, string>>>;

const file = new URL('../../golden/fingerprints.json', import.meta.url);

/** Returns the stored fingerprint of an experiment. Stores `actual` first if LOCKSTEP_WRITE_GOLDEN is 1. */
export function goldenFingerprint(name: string, profile: Profile, actual: string): string | undefined {
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;
  if (process.env.LOCKSTEP_WRITE_GOLDEN === '1') {
    golden[name] = { ...golden[name], [profile]: actual };
    writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`);
  }
  return golden[name]?.[profile];
}
