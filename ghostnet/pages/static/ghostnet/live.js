// Keeps the page up to date, which is complete as served: the feed through /ws, the board by fetching it again.

import { Board } from "./board.js";
import { LEVELS, row } from "./words.js";

const MOST_ROWS = 60;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10000;
const PING_EVERY = 15000;
const LONGEST_SILENCE = 35000;
const REORG_SHOWN = 30000;

const live = document.getElementById("live");
const feed = document.getElementById("feed");
const connection = document.getElementById("connection");
const notice = document.getElementById("notice");

let hideTimer;

function showNotice(text, milliseconds) {
  clearTimeout(hideTimer);
  notice.textContent = text;
  notice.hidden = false;
  hideTimer = setTimeout(() => { notice.hidden = true; }, milliseconds);
}

class Feed {
  constructor(board, sentences) {
    this.board = board;
    this.sentences = sentences;
    this.cursor = BigInt(live.dataset.cursor);
    this.pause = FIRST_PAUSE;
    setInterval(() => this.watch(), 5000);
    addEventListener("offline", () => this.drop());
  }

  connect() {
    connection.textContent = "connecting…";
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws`);
    this.caughtUp = false;
    this.removedMeanwhile = [];
    this.receivedAt = this.askedAt = performance.now();
    this.socket.onopen = () => this.subscribe();
    this.socket.onmessage = (frame) => this.take(JSON.parse(frame.data));
    this.socket.onclose = () => this.retry();
  }

  // The PONG comes after all that was missed.
  subscribe() {
    this.send({ type: "SUBSCRIBE", channels: ["feed"], since: String(this.cursor) });
    if (live.dataset.player) this.send({ type: "SUBSCRIBE_USER", address: live.dataset.player });
    this.send({ type: "PING" });
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  // A host that is gone sends nothing, and its connection is not closed.
  watch() {
    const now = performance.now();
    if (!this.socket) return;
    if (now - this.receivedAt > LONGEST_SILENCE) this.drop();
    else if (this.socket.readyState === WebSocket.OPEN && now - this.askedAt > PING_EVERY) {
      this.askedAt = now;
      this.send({ type: "PING" });
    }
  }

  drop() {
    if (!this.socket) return;
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.retry();
  }

  retry() {
    this.socket = null;
    const pause = this.pause * (0.5 + Math.random());
    connection.textContent = `reconnecting in ${(pause / 1000).toFixed(1)} s: what you see may be old`;
    connection.dataset.state = "away";
    setTimeout(() => this.connect(), pause);
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
  }

  take(message) {
    this.receivedAt = performance.now();
    switch (message.type) {
      case "FEED_EVENT":
        this.cursor = BigInt(message.id);
        feed.querySelector("li:not([data-id])")?.remove();
        feed.prepend(row(message, this.sentences));
        while (feed.children.length > MOST_ROWS) feed.lastChild.remove();
        this.board.want();
        break;
      case "REORG":
        this.undo(message);
        break;
      case "SUBSCRIBED":
        connection.textContent = "live";
        connection.dataset.state = "live";
        this.board.want();
        break;
      case "PONG":
        this.finishCatchUp();
        break;
      case "POSITION_UPDATE":
        this.board.want();
        break;
      case "SCAN_WARNING":
        showNotice(`Scan of ${LEVELS[message.level]} in ${message.seconds_until} s`, message.seconds_until * 1000);
        break;
      case "ERROR":
        // Too old or unknown a cursor: what is missing is in the page that we load anew.
        if (["replay_too_old", "bad_cursor"].includes(message.code)) location.reload();
        else console.warn(message.code, message.message);
        break;
    }
  }

  undo({ ancestor_block: ancestor, dropped_from: dropped }) {
    const first = BigInt(dropped);
    const removed = [...feed.children].filter((line) => line.dataset.id && BigInt(line.dataset.id) >= first);
    removed.forEach((line) => line.remove());
    if (this.cursor >= first) this.cursor = first - 1n;
    if (this.caughtUp) this.showReorg(ancestor);
    else this.removedMeanwhile.push(...removed.map((line) => [ancestor, line.dataset.id, line.textContent]));
    this.board.want();
  }

  // All that was missed has come. Reorgs that removed nothing of what the page shows are not mentioned.
  finishCatchUp() {
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.pause = FIRST_PAUSE;
    const oldest = BigInt(feed.lastElementChild?.dataset.id ?? 0);
    for (const [ancestor, id, text] of this.removedMeanwhile) {
      if (BigInt(id) < oldest || feed.querySelector(`[data-id="${id}"]`)?.textContent === text) continue;
      this.showReorg(ancestor);
      break;
    }
  }

  showReorg(ancestor) {
    showNotice(`Reorg: the chain took back what happened after block ${ancestor}. What replaces it follows.`, REORG_SHOWN);
  }
}

if (live) {
  const sentences = JSON.parse(document.getElementById("sentences").textContent);
  new Feed(new Board(live.dataset.board), sentences).connect();
}
