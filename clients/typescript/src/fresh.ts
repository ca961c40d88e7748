// REST's answers, kept up to date by the messages of `/ws`.

import { backoff } from "./backoff.ts";
import type { Live } from "./live.ts";

export interface FreshOptions {
  /** Milliseconds between two calls at least: a client has 100 requests a minute by default. */
  every?: number;
  /** Called with what `load` rejects with; it is called again. */
  failed?: (error: unknown) => void;
}

/** Call `load` once `live` is connected, and after each change; one call at a time. Its arguments are the block that
 * its answers must show, for their `min_block`, and the signal that a reorg, or the end, has made it pointless. Returns
 * the function that ends this. */
export function keepFresh(
  live: Live,
  load: (minBlock: number, signal: AbortSignal) => Promise<unknown>,
  { every = 2_000, failed = console.error }: FreshOptions = {},
): () => void {
  let [block, failures, wanted, ended] = [0, 0, false, false];
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  async function run(): Promise<void> {
    wanted = false;
    abort = new AbortController();
    let wait = every;
    try {
      await load(block, abort.signal);
      failures = 0;
    } catch (error) {
      wanted = true;
      if (!abort.signal.aborted) {
        wait = Math.max(every, backoff(failures++));
        failed(error);
      }
    }
    if (!ended) timer = setTimeout(() => (wanted ? void run() : (timer = undefined)), wait);
  }
  function schedule(): void {
    wanted = true;
    timer ??= setTimeout(() => void run());
  }
  function goBack(to: number): void {
    block = Math.min(block, to);
    abort.abort();
    schedule();
  }
  const offs = [
    live.on("FEED_EVENT", ({ id, event }) => {
      if (id === undefined) return;
      block = event.block;
      schedule();
    }),
    live.on("REORG", ({ ancestor_block }) => goBack(ancestor_block)),
    live.on("reset", () => goBack(0)),
    live.on("POSITION_UPDATE", schedule),
    live.on("state", ({ status }) => status === "live" && schedule()),
  ];
  return () => {
    ended = true;
    clearTimeout(timer);
    abort.abort();
    for (const off of offs) off();
  };
}
