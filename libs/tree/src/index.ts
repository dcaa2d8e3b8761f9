/** Pytrees: nested containers of leaves. */
export {};
