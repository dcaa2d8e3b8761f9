/** A cache that drops the entry that has not been used for the longest time. */
export function recentlyUsed<V>(capacity: number): (key: string, make: () => V) => V {
  // A map keeps the order in which its entries were added, so the first one was used the longest time ago.
  const entries = new Map<string, V>();
  return (key, make) => {
    const known = entries.get(key);
    const value = known ?? make();
    if (known !== undefined) entries.delete(key);
    else if (entries.size >= capacity) entries.delete(entries.keys().next().value!);
    entries.set(key, value);
    return value;
  };
}
