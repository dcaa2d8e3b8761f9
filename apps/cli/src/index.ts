/** The lockstep command. */
export {};
