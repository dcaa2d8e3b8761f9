/** Counter-based random numbers (Threefry) and key derivation. */
export {};
