/** ZeroMQ sockets: queues, heartbeats, CURVE keys. */
export {};
