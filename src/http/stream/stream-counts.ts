// Counts of the stream routes in plain integers: they are read at a scrape, not reported on every request.

/** One decision of so many is measured. */
const MEASURED_EVERY = 64;

export class StreamCounts {
  playlist = 0;
  /** Segments by where their bytes came from; `made` also counts those that were read from disk into memory. */
  memory = 0;
  disk = 0;
  /** Copied segments, read from their media file. */
  located = 0;
  made = 0;
  direct = 0;
  #decisions = 0;

  /** The first one, and now and then another: looking at the clock twice costs as much as the decision. */
  isDecisionMeasured(): boolean {
    this.#decisions += 1;
    return this.#decisions % MEASURED_EVERY === 1;
  }
}
