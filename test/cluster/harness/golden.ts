/**
 * Fingerprints that a change must not move. After a change that is meant to move them, and says why:
 * `LOCKSTEP_WRITE_GOLDEN=1 npx vitest run --project cluster`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

type Profile = 'portable' | 'fma';
type Golden = Record<string, Partial<Record<Profile, string>>>;

const file = new URL('../../golden/fingerprints.json', import.meta.url);

/** The fingerprint stored for an experiment; `actual` is stored instead when golden values are to be written. */
export function goldenFingerprint(name: string, profile: Profile, actual: string): string | undefined {
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;
  if (process.env.LOCKSTEP_WRITE_GOLDEN === '1') {
    golden[name] = { ...golden[name], [profile]: actual };
    writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`);
  }
  return golden[name]?.[profile];
}
