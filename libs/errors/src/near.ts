/** Suggests names for a misspelt one. */

/** At most `limit` candidates near to `name`, nearest first: few edits away, or containing `name`. */
export function nearNames(name: string, candidates: readonly string[], limit = 3): readonly string[] {
  const wanted = name.toLowerCase();
  return candidates
    .map((candidate) => ({ candidate, distance: distance(wanted, candidate.toLowerCase()) }))
    .filter(
      (one) => one.distance <= Math.max(2, Math.floor(wanted.length / 3)) || isPart(wanted, one.candidate),
    )
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

function isPart(wanted: string, candidate: string): boolean {
  return wanted.length >= 3 && candidate.toLowerCase().includes(wanted);
}

/** Levenshtein distance: the fewest insertions, deletions and replacements that turn one text into the other. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
