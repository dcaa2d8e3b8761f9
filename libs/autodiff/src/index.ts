/** The array type, the primitive table and the transformations. */
export {};
