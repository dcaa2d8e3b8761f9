/** safetensors and atomic save and restore. */
export {};
