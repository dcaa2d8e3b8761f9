/** Files of arrays. */
export {};
