/** A cache that forgets what has not been asked for the longest. */
export function recentlyUsed<V>(capacity: number): (key: string, make: () => V) => V {
  // A map keeps the order in which its entries were added: the first was used the longest ago.
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
