/** Everything a user of Lockstep imports. */
export {};
