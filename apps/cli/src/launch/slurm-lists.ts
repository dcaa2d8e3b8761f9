/** The lists that Slurm abbreviates in the environment of a job. */

/** The first host of a list such as `gpu[08-11,20],login1`; undefined for none. */
export function firstHost(list: string | undefined): string | undefined {
  if (list === undefined || list === '') return undefined;
  // Names end at the first comma outside of brackets.
  const [first] = /^(?:\[[^\]]*\]|[^,[])+/.exec(list) ?? [''];
  return first.replaceAll(/\[([^\],-]*)[^\]]*\]/g, '$1');
}

/** The most ranks of one host in a list such as `2(x3),1`; undefined for none. */
export function mostRanksOfHost(list: string | undefined): string | undefined {
  const counts = (list ?? '').split(',').map((part) => Number.parseInt(part, 10));
  return counts.some(Number.isNaN) ? undefined : `${Math.max(...counts)}`;
}
