/** Layers, initialisers and losses. */
export {};
