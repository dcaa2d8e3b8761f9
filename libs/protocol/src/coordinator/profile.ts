/** The choice of the numeric profile. */

import type { Profile } from '../messages/messages.ts';
import { profileDifference } from './differences.ts';
import { journal, loadedWorkers, refuse, type Turn, update } from './turn.ts';

/** Chooses the run's profile once, from the profiles of the gathered workers. Workers without it are refused. */
export function chooseProfile(turn: Turn): void {
  if (turn.state.profile !== null) return;
  const offers = (profile: Profile) => (worker: string) =>
    turn.state.workers.get(worker)!.hello.profiles.includes(profile);
  const gathered = loadedWorkers(turn.state);
  const wanted = turn.state.config.profile;
  const profile = wanted !== 'auto' ? wanted : gathered.every(offers('fma')) ? 'fma' : 'portable';
  update(turn, { profile });
  journal(turn, { type: 'profile', profile });
  for (const [worker, { hello }] of turn.state.workers) {
    const difference = profileDifference(profile, hello);
    if (difference !== null) refuse(turn, worker, difference.code, difference.message);
  }
}
