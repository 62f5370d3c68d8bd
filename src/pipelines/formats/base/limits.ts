/** Levels of lists and objects within each other, of a value and of a schema: what Protobuf allows by default. */
export const MAX_DEPTH = 100;
