// `/ws`: what happens, from any cursor, across lost connections, restarts and reorgs; the messages have the types of
// docs/asyncapi.json.

import { backoff } from "./backoff.ts";
import type { ClientMessage, Error as ErrorMessage, ServerMessage, Subscribe } from "./types/ws.ts";

export interface LiveOptions {
  channels?: Subscribe["channels"];
  /** The cursor to go on from: an answer's, or the last event's id. */
  since?: string;
  /** How many of the newest events come first, if there is no cursor. */
  last?: number;
  /** Whether events are wanted before their block, too. */
  preconfirmed?: boolean;
  /** Milliseconds between pings; who has not answered one by the next is taken to be gone. */
  pingEvery?: number;
  /** The class of sockets, where there is no global one (Node before 22). */
  WebSocket?: typeof WebSocket;
}

export type LiveState =
  | { status: "connecting" | "catching up" | "live" | "closed" }
  /** The connection was lost, with this close code, and is opened again so many milliseconds later. */
  | { status: "offline"; code: number; retryIn: number };

/** What handlers are called with, by type: the server's messages; the state; and that the cursor is not served any
 * more, so that what is known must be loaded anew once the state is "live". */
export type LiveEvents = { [M in ServerMessage as M["type"]]: M } & { state: LiveState; reset: ErrorMessage };

type Handlers = { [T in keyof LiveEvents]?: Set<(event: LiveEvents[T]) => void> };

const PING_EVERY = 30_000;
const ADDRESS = /^0x[0-9a-f]{40}$/i;
const LOST = 1006;
const TOO_MUCH = 4429;
/** Milliseconds to stay away after TOO_MUCH: the server counts errors by the minute. */
const PENANCE = 60_000;

/** A connection to the server at `base` that comes back by itself until `close`; begins with the next turn of the
 * event loop, so that handlers can be added before. */
export class Live {
  /** Up to where everything has come. */
  cursor: string | undefined;
  state: LiveState = { status: "connecting" };
  readonly #url: URL;
  readonly #options: LiveOptions;
  readonly #WebSocket: typeof WebSocket;
  readonly #handlers: Handlers = {};
  readonly #players = new Set<string>();
  #socket: WebSocket | undefined;
  /** Where the connection's replay ends, once SUBSCRIBED has said so. */
  #head: string | undefined;
  #failures = 0;
  /** When something was received, and a PING was sent, last. */
  #receivedAt = 0;
  #pingedAt = 0;
  #timer: ReturnType<typeof setTimeout>;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(base: string | URL, options: LiveOptions = {}) {
    this.#url = new URL("/ws", base);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#options = options;
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!this.#WebSocket) throw new Error("there is no global WebSocket: use Node 22, or pass a class as an option");
    this.cursor = options.since;
    this.#timer = setTimeout(() => this.#open());
  }

  /** Call a handler with each event of a type; returns the function that ends this. */
  on<T extends keyof LiveEvents>(type: T, handler: (event: LiveEvents[T]) => void): () => void {
    const handlers: Set<(event: LiveEvents[T]) => void> = (this.#handlers[type] ??= new Set() as never);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /** Have a player's position sent: at once, after each connection, and after each change; before its block, too, if
   * that is wanted of events. */
  watch(address: string): void {
    if (!ADDRESS.test(address)) throw new TypeError(`not an address, 0x and 40 hex digits: ${address}`);
    this.#players.add(address.toLowerCase());
    this.#subscribeUser(address);
  }

  unwatch(address: string): void {
    this.#players.delete(address.toLowerCase());
    this.#send({ type: "UNSUBSCRIBE_USER", address });
  }

  close(): void {
    this.#leave();
    clearTimeout(this.#timer);
    this.#become({ status: "closed" });
  }

  #emit<T extends keyof LiveEvents>(type: T, event: LiveEvents[T]): void {
    for (const handler of [...(this.#handlers[type] ?? [])]) handler(event);
  }

  #become(state: LiveState): void {
    this.state = state;
    this.#emit("state", state);
  }

  /** Send a message, if the connection is open; what is subscribed to is sent again after the next one anyway. */
  #send(message: ClientMessage): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #open(): void {
    const socket = (this.#socket = new this.#WebSocket(this.#url.href));
    this.#receivedAt = this.#pingedAt = Date.now();
    this.#watch = setInterval(() => this.#ping(), this.#options.pingEvery ?? PING_EVERY);
    socket.onopen = () => this.#subscribe();
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => this.#retry(code);
    // A handshake that fails has no close event in some versions of Node.
    socket.onerror = () => setTimeout(() => socket === this.#socket && socket.readyState !== 1 && this.#retry(LOST));
    this.#become({ status: "connecting" });
  }

  /** A host that is gone closes nothing, and a browser shows nobody the server's own pings. */
  #ping(): void {
    if (this.#receivedAt < this.#pingedAt) return this.#retry(LOST);
    this.#pingedAt = Date.now();
    this.#send({ type: "PING" });
  }

  /** Ask for all that was missed; the PONG comes after it. */
  #subscribe(): void {
    const { channels = ["feed"], last, preconfirmed = false } = this.#options;
    this.#head = undefined;
    const from = this.cursor !== undefined ? { since: this.cursor } : last ? { last } : {};
    if (channels.length) this.#send({ type: "SUBSCRIBE", channels, preconfirmed, ...from });
    for (const address of this.#players) this.#subscribeUser(address);
    this.#send({ type: "PING" });
    this.#become({ status: "catching up" });
  }

  #subscribeUser(address: string): void {
    this.#send({ type: "SUBSCRIBE_USER", address, snapshot: true, preconfirmed: this.#options.preconfirmed ?? false });
  }

  #take(message: ServerMessage): void {
    this.#receivedAt = Date.now();
    switch (message.type) {
      case "FEED_EVENT":
        this.cursor = message.id ?? this.cursor;
        break;
      case "REORG": {
        const kept = String(BigInt(message.dropped_from) - 1n);
        this.cursor = lower(this.cursor, kept);
        this.#head = lower(this.#head, kept);
        break;
      }
      case "SUBSCRIBED":
        this.#head ??= message.head;
        break;
      case "PONG":
        if (this.state.status !== "catching up") break;
        if (this.#head !== undefined && BigInt(this.#head) > BigInt(this.cursor ?? -1)) this.cursor = this.#head;
        this.#failures = 0;
        this.#become({ status: "live" });
        break;
      case "ERROR":
        if (message.code === "replay_too_old" || message.code === "bad_cursor") {
          this.cursor = undefined;
          this.#retry(LOST);
          this.#emit("reset", message);
        } else if (!this.#handlers.ERROR?.size) console.error(message.code, message.message);
        break;
    }
    this.#emit(message.type, message as never);
  }

  #leave(): void {
    clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {}; // of a handshake that is given up
    socket.close();
  }

  #retry(code: number): void {
    this.#leave();
    const retryIn = code === TOO_MUCH ? PENANCE + backoff(this.#failures) : backoff(this.#failures);
    this.#failures++;
    this.#timer = setTimeout(() => this.#open(), retryIn);
    this.#become({ status: "offline", code, retryIn });
  }
}

function lower(cursor: string | undefined, other: string): string | undefined {
  return cursor !== undefined && BigInt(other) < BigInt(cursor) ? other : cursor;
}
