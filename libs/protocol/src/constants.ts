/** The protocol's numbers, named once. */

/** Raised whenever a message or its meaning changes; a worker of another number is refused. */
export const PROTOCOL_VERSION = 2;

/** Both sides speak at least this often. */
export const HEARTBEAT_MS = 500;

/** Shells raise a tick this often; it must be well below a heartbeat. */
export const TICK_MS = 100;

/** A worker silent for longer is lost. Three heartbeats and a little: a loss is found in under 2 s. */
export const LIVENESS_MS = 1_800;

/** How often a worker that has not been answered says hello again: while a welcome is on its way, nothing else shows that it lives. */
export const HELLO_RETRY_MS = 500;

/** What counts of the time between two ticks, at most: a process that was held up for longer heard nobody meanwhile. */
export const MAX_TICK_MS = 2 * TICK_MS;

/** A run that an error ends waits so long for its members to stop, then takes the newest state of those that have. */
export const PARK_BEFORE_FAILING_MS = 5_000;

/** … and so long for that state to be saved. */
export const SAVE_BEFORE_FAILING_MS = 60_000;

/**
 * A worker gives up on a coordinator silent for longer: time enough for people to notice and to resume the run. Until then it keeps
 * a state that may be newer than any checkpoint.
 */
export const COORDINATOR_TIMEOUT_MS = 600_000;

/** How long a coordinator that starts again waits for the workers of before. They connect again within a second or two. */
export const RETURN_WAIT_MS = 10_000;

/** The largest msgpack frame. Bulk bytes travel as raw frames beside it. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/** The longest text in a message, in characters. */
export const MAX_TEXT_LENGTH = 65_536;

/** The deepest nesting of arrays and maps in a message. */
export const MAX_MESSAGE_DEPTH = 32;

/** The most raw frames beside one message. */
export const MAX_FRAMES = 4_096;

/** Files are cut into raw frames of this size; receivers cut off larger ones well above it. */
export const FRAME_BYTES = 8 << 20;

/** The largest raw frame. */
export const MAX_FRAME_BYTES = 1 << 30;

/** The most shards a run may have. */
export const MAX_SHARDS = 4_096;

/** A worker its peers could not reach this often, without a step committed between, is removed. */
export const MAX_BLAMES = 3;

/** So many workers may be lost in the search for the operation that made a NaN; then it is given up. */
export const MAX_SEARCHES = 2;

/** Reports a worker keeps until the coordinator has seen their steps; the oldest are dropped beyond it. */
export const MAX_KEPT_REPORTS = 4_096;
