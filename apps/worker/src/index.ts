/** Sockets on the main thread, shard programs on compute threads. */
export {};
