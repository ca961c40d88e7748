// Pauses between attempts: longer after each failure, and different for each client, lest all come back at once.

const FIRST = 500;
const LONGEST = 15_000;

/** Milliseconds to wait after so many failures before this one: half of them at random. */
export function backoff(failures: number): number {
  return Math.min(LONGEST, FIRST * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** Wait; reject with the signal's reason as soon as it is aborted. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
