/** Messages and pure state machines of membership and steps. */
export {};
