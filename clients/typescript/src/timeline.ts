// The newest events as they stand.

import type { Live } from "./live.ts";
import type { FeedEvent } from "./types/ws.ts";

/** Keeps the newest `most` events of a connection's channels, the newest first: those before their block, then those in
 * blocks by their ids. Reorgs and drops are applied. Calls `changed` with a new array after each change. */
export class Timeline {
  events: readonly FeedEvent[] = [];
  readonly #changed: (events: readonly FeedEvent[]) => void;

  constructor(live: Live, most = 50, changed: (events: readonly FeedEvent[]) => void = () => {}) {
    this.#changed = changed;
    live.on("FEED_EVENT", (event) => {
      if (event.channel === "user") return; // of watched players, and never replayed: what was missed stays unknown
      const others = this.events.filter(({ key }) => key !== event.key);
      const place = event.id === undefined ? 0 : others.findIndex(({ id }) => id !== undefined);
      others.splice(place < 0 ? others.length : place, 0, event);
      this.#set(others.slice(0, most));
    });
    live.on("REORG", ({ dropped_from }) =>
      this.#keep(({ id }) => id === undefined || BigInt(id) < BigInt(dropped_from)),
    );
    live.on("DROPPED", ({ keys }) => this.#keep(({ key, id }) => id !== undefined || !keys.includes(key)));
    // What becomes of them is not sent while the connection is lost.
    live.on("state", ({ status }) => status === "offline" && this.#keep(({ id }) => id !== undefined));
    live.on("reset", () => this.#keep(() => false));
  }

  #keep(stays: (event: FeedEvent) => boolean): void {
    const kept = this.events.filter(stays);
    if (kept.length < this.events.length) this.#set(kept);
  }

  #set(events: readonly FeedEvent[]): void {
    this.events = events;
    this.#changed(events);
  }
}
