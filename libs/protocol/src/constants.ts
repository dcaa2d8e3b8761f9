/** The constants of the protocol. */

/** Raised with each change of a message or its meaning. A worker with another number is refused. */
export const PROTOCOL_VERSION = 3;

/** Both sides send a message at least this often. */
export const HEARTBEAT_MS = 500;

/** Shells raise a tick this often. It must be well below a heartbeat. */
export const TICK_MS = 100;

/** A worker that is silent for longer is lost. Slightly more than three heartbeats, so that a loss is found in under 2 s. */
export const LIVENESS_MS = 1_800;

/** A worker without an answer repeats its hello this often. While a welcome is on its way, nothing else shows that the worker lives. */
export const HELLO_RETRY_MS = 500;

/** A welcome is sent again to a worker that repeats its hello for this long. It carries the experiment, so it may take seconds. */
export const WELCOME_RETRY_MS = 5_000;

/** The most that counts of the time between two ticks: a process that was suspended for longer received nothing meanwhile. */
export const MAX_TICK_MS = 2 * TICK_MS;

/** When an error ends a run, the coordinator waits this long for members to stop, then saves the newest state of those that have. */
export const PARK_BEFORE_FAILING_MS = 5_000;

/** When an error ends a run, the coordinator waits this much longer for that state to be saved. */
export const SAVE_BEFORE_FAILING_MS = 60_000;

/**
 * A worker ends when the coordinator is silent for longer. The time is enough for people to notice and to resume the run.
 * Until then the worker keeps a state that may be newer than any checkpoint.
 */
export const COORDINATOR_TIMEOUT_MS = 600_000;

/** How long a restarted coordinator waits for its former workers, which reconnect within a second or two. */
export const RETURN_WAIT_MS = 10_000;

/**
 * A worker of a pool that no run waits for stays free for so long before it joins a run that others work for: whoever adds runs one
 * after the other adds the next one a moment after the last has ended.
 */
export const LINGER_MS = 200;

/** The largest msgpack frame. Bulk bytes travel as raw frames of the same message. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/** The longest text in a message, in characters. */
export const MAX_TEXT_LENGTH = 65_536;

/** The most bytes of digests in the report of a step. A worker keeps up to `MAX_KEPT_REPORTS` of them. */
export const MAX_RECORD_BYTES = 1 << 18;

/** The longest text of the names of these digests, in characters. */
export const MAX_NAMES_LENGTH = 1 << 19;

/** The deepest nesting of arrays and maps in a message. */
export const MAX_MESSAGE_DEPTH = 32;

/** The most raw frames of one message. */
export const MAX_FRAMES = 4_096;

/** Files are cut into raw frames of this size. Receivers close connections that send much larger frames. */
export const FRAME_BYTES = 8 << 20;

/** The largest raw frame. */
export const MAX_FRAME_BYTES = 1 << 30;

/** The most shards a run may have. */
export const MAX_SHARDS = 4_096;

/** A worker that its peers failed to reach this often without a commit in between is removed. */
export const MAX_BLAMES = 3;

/** The search for a non-finite operation ends without a result when this many workers were lost in it. */
export const MAX_SEARCHES = 2;

/** The most reports that a worker keeps until the coordinator has them. Beyond that it drops the oldest. */
export const MAX_KEPT_REPORTS = 4_096;
