// Keeps the page up to date, which is complete as served: the feed through /ws, the board by fetching it again.

import { Board } from "./board.js";
import { watchCharts } from "./chart.js";
import "./copy.js";
import { isRead, keepPlace, watchReader } from "./reading.js";
import { setTrouble } from "./state.js";
import { chainTime, left } from "./times.js";
import { LEVELS, hasSentence, mentions, row } from "./words.js";

const MAX_ROWS = 60;
const MAX_ROWS_OF_READER = 300;
const FIRST_PAUSE = 500;
const MAX_PAUSE_MS = 10000;
const PING_EVERY = 15000;
const MAX_SILENCE_MS = 35000;
const REORG_SHOWN = 30000;
const DROPPED_SHOWN = 4000;

const live = document.getElementById("live");
const feed = document.getElementById("feed");
const notice = document.getElementById("notice");

let hideTimer;

function showNotice(milliseconds, ...content) {
  clearTimeout(hideTimer);
  notice.replaceChildren(...content);
  notice.hidden = false;
  hideTimer = setTimeout(() => { notice.hidden = true; }, milliseconds);
}

// A level without players has nobody to warn, and a player's page warns of that player's level alone. Screen readers
// read it once, not each second.
function showWarning({ level, seconds_until: seconds }) {
  if (!(document.querySelector(`#board [data-level="${level}"]`)?.dataset.players > 0)) return;
  const time = document.createElement("time");
  time.className = "countdown";
  time.dateTime = new Date(1000 * (chainTime() + seconds)).toISOString();
  time.textContent = left(seconds);
  time.ariaHidden = "true";
  const spoken = document.createElement("span");
  spoken.className = "unseen";
  spoken.textContent = `${seconds} seconds`;
  showNotice(1000 * seconds, `Scan of ${LEVELS[level]} in `, time, spoken);
}

class Feed {
  constructor(board) {
    this.board = board;
    this.cursor = BigInt(live.dataset.cursor);
    this.player = live.dataset.player;
    this.pause = FIRST_PAUSE;
    setInterval(() => this.watch(), 5000);
    addEventListener("offline", () => this.drop());
  }

  connect() {
    setTrouble("connection", "connecting…");
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
    keepPlace(() => feed.querySelectorAll(".early").forEach((line) => line.remove()));
    this.send({ type: "SUBSCRIBE", channels: ["feed"], since: String(this.cursor), preconfirmed: true });
    if (this.player) this.send({ type: "SUBSCRIBE_USER", address: this.player });
    this.send({ type: "PING" });
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  // A host that is gone sends nothing, and its connection is not closed.
  watch() {
    const now = performance.now();
    if (!this.socket) return;
    if (now - this.receivedAt > MAX_SILENCE_MS) this.drop();
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
    setTrouble("connection", `reconnecting in ${(pause / 1000).toFixed(1)} s: what you see may be old`);
    setTimeout(() => this.connect(), pause);
    this.pause = Math.min(2 * this.pause, MAX_PAUSE_MS);
  }

  take(message) {
    this.receivedAt = performance.now();
    switch (message.type) {
      case "FEED_EVENT":
        this.add(message);
        break;
      case "DROPPED":
        message.keys.forEach((key) => this.strike(key));
        break;
      case "REORG":
        this.undo(message);
        break;
      case "SUBSCRIBED":
        setTrouble("connection", null);
        this.board.scheduleSoon();
        break;
      case "PONG":
        this.finishCatchUp();
        break;
      case "POSITION_UPDATE":
        this.board.schedule();
        break;
      case "SCAN_WARNING":
        showWarning(message);
        break;
      case "ERROR":
        // Too old or unknown a cursor: what is missing is in the page that we load anew.
        if (["replay_too_old", "bad_cursor"].includes(message.code)) location.reload();
        else console.warn(message.code, message.message);
        break;
    }
  }

  add(message) {
    keepPlace(() => this.place(message));
    if (!message.id) return;
    this.cursor = BigInt(message.id);
    this.board.schedule();
  }

  // What is in no block yet stands above what is, dimmed; its block puts it in its place.
  place(message) {
    const early = this.early(message.key);
    if (hasSentence(message.event) && (!this.player || mentions(message.event, this.player))) {
      feed.querySelector("li:not([data-id], [data-key])")?.remove();
      const line = row(message);
      if (early) line.className = "";
      feed.insertBefore(line, message.id ? feed.querySelector("[data-id]") : feed.firstChild);
      const most = isRead() ? MAX_ROWS_OF_READER : MAX_ROWS;
      while (feed.children.length > most) feed.lastElementChild.remove();
    }
    early?.remove();
  }

  early(key) {
    return feed.querySelector(`.early[data-key="${CSS.escape(key)}"]`);
  }

  strike(key) {
    const line = this.early(key);
    if (!line) return;
    line.className = "dropped";
    setTimeout(() => keepPlace(() => line.remove()), DROPPED_SHOWN);
  }

  undo({ ancestor_block: ancestor, dropped_from: dropped }) {
    const first = BigInt(dropped);
    const removed = [...feed.children].filter((line) => line.dataset.id && BigInt(line.dataset.id) >= first);
    keepPlace(() => removed.forEach((line) => line.remove()));
    if (this.cursor >= first) this.cursor = first - 1n;
    if (this.caughtUp) this.showReorg(ancestor);
    else this.removedMeanwhile.push(...removed.map((line) => [ancestor, line.dataset.id, textOf(line)]));
    this.board.schedule();
  }

  // All that was missed has come. Reorgs that removed nothing of what the page shows are not mentioned.
  finishCatchUp() {
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.pause = FIRST_PAUSE;
    const oldest = BigInt(feed.lastElementChild?.dataset.id ?? 0);
    for (const [ancestor, id, text] of this.removedMeanwhile) {
      const line = feed.querySelector(`[data-id="${id}"]`);
      if (BigInt(id) < oldest || (line && textOf(line) === text)) continue;
      this.showReorg(ancestor);
      break;
    }
  }

  showReorg(ancestor) {
    const text = `Reorg: the chain took back what happened after block ${ancestor}. What replaces it follows.`;
    showNotice(REORG_SHOWN, text);
  }
}

// The text of a line, without its age.
const textOf = (line) => line.querySelector("span").textContent;

if (live) {
  watchCharts();
  watchReader();
  new Feed(new Board(live.dataset.board)).connect();
}
