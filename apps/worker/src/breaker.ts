/**
 * Whether Hyperdrive is asked, or the direct path at once; of one isolate.
 *
 * Not cockatiel's: there every request waits for the one that tries a half-open circuit, and would wait for ever where
 * that one's client has gone, as Workers drop what a request still has to do.
 */

const FAILURES = 5;
const WINDOW_MS = 30_000;
const PROBE_EVERY_MS = 5_000;

export class Breaker {
  #state: "closed" | "open" | "half-open" = "closed";
  #failures: number[] = [];
  #since: number | undefined;
  #probeAt = 0;

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** `since` is when the path changed; null where it never has. */
  get shown() {
    return {
      state: this.#state,
      path: this.isClosed ? ("hyperdrive" as const) : ("direct" as const),
      since: this.#since === undefined ? null : new Date(this.#since).toISOString(),
    };
  }

  /** Hyperdrive could not be asked, or was slow. Returns whether this one opens it. */
  failed(now: number): boolean {
    if (!this.isClosed) return false;
    this.#failures = [...this.#failures.filter((at) => at > now - WINDOW_MS), now];
    if (this.#failures.length < FAILURES) return false;
    this.#state = "open";
    this.#since = now;
    this.#probeAt = now + PROBE_EVERY_MS;
    return true;
  }

  /** Whether Hyperdrive is to be tried now; `probed` is told how it went. One that is never told of is tried again. */
  startsProbe(now: number): boolean {
    if (this.isClosed || now < this.#probeAt) return false;
    this.#state = "half-open";
    this.#probeAt = now + PROBE_EVERY_MS;
    return true;
  }

  /** Returns whether it closes. */
  probed(succeeded: boolean, now: number): boolean {
    if (this.isClosed) return false;
    this.#state = succeeded ? "closed" : "open";
    if (!succeeded) return false;
    this.#failures = [];
    this.#since = now;
    return true;
  }
}
