// When hls.js tries a request again: after the server's Retry-After, else after a growing pause; also for failures that hls.js by itself does not retry.

/** Backoff 0.5 s doubling to 5 s, this often: a little over a minute before hls.js calls an error fatal. */
const MAX_RETRIES = 16;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 5_000;
/** The longest Retry-After that is obeyed: a longer one would leave the viewer without a picture for too long. */
const MAX_TOLD_MS = 10_000;

export class RetryPolicy {
  /** The Retry-After of the last refusal. @type {number | null} */
  #toldMs = null;

  /** Reads the Retry-After of a refusal before hls.js handles the response. @param {XMLHttpRequest} xhr */
  watch(xhr) {
    xhr.addEventListener('readystatechange', () => {
      if (xhr.readyState !== XMLHttpRequest.HEADERS_RECEIVED) return;
      const seconds = xhr.status < 400 ? Number.NaN : Number(xhr.getResponseHeader('retry-after') ?? Number.NaN);
      this.#toldMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, MAX_TOLD_MS) : null;
    });
  }

  /** The first byte may be late: the server holds the answer back while the segment is being made. @returns {import('hls.js').LoadPolicy} */
  get loadPolicy() {
    const retry = this.#retry();
    return { default: { maxTimeToFirstByteMs: 30_000, maxLoadTimeMs: 120_000, timeoutRetry: retry, errorRetry: retry } };
  }

  /** hls.js by itself does not retry a refused connection, which is what a restarting server looks like. @returns {import('hls.js').RetryConfig} */
  #retry() {
    return {
      maxNumRetry: MAX_RETRIES,
      retryDelayMs: FIRST_DELAY_MS,
      maxRetryDelayMs: MAX_DELAY_MS,
      shouldRetry: (config, count, isTimeout, response) => {
        const status = response?.code ?? 0;
        // hls.js computes the pause from `config` right after this call.
        if (config) Object.assign(config, { retryDelayMs: this.#toldMs ?? FIRST_DELAY_MS, maxRetryDelayMs: this.#toldMs ?? MAX_DELAY_MS });
        if (count >= MAX_RETRIES || (status >= 400 && status < 500 && status !== 429)) return false;
        return isTimeout || status === 0 || status >= 500 || status === 429;
      },
    };
  }
}
