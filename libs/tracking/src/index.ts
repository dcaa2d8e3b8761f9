/** The run folder: manifest, metrics and events. */
export {};
