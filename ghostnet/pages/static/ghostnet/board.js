// The board: fetched again after a change, and patched in place.

import { restoreCursor } from "./chart.js";
import { patch } from "./patch.js";
import { setTrouble } from "./state.js";
import { readChain, showTimes, span } from "./times.js";

const LOOK_EVERY = 1000;
const READ_AT_LEAST_EVERY = 3000; // a pause, or the end of the indexer, is no event
const MAX_PAUSE_MS = 30000;
const PATIENCE = 10000;

const board = () => document.getElementById("board");

export class Board {
  constructor(url) {
    this.url = url;
    this.wanted = false;
    this.gone = false;
    this.readAt = performance.now();
    this.pause = LOOK_EVERY;
    readChain();
    showTimes();
    setInterval(() => showTimes(), 1000);
    this.wait();
  }

  schedule() {
    this.wanted = true;
  }

  // The server answers again: the pause begins anew.
  scheduleSoon() {
    this.wanted = true;
    this.pause = LOOK_EVERY;
    if (!this.looking) this.wait();
  }

  // All browsers get a block at the same moment: they must not all fetch at the same moment.
  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), this.pause * (0.5 + Math.random()));
  }

  async look() {
    const old = performance.now() - this.readAt > READ_AT_LEAST_EVERY && !this.gone;
    this.looking = true;
    try {
      if (!document.hidden && (this.wanted || old)) await this.read();
      this.pause = LOOK_EVERY;
    } catch (error) {
      this.wanted = true;
      const age = span((performance.now() - this.readAt) / 1000);
      setTrouble("board", `the figures are ${age} old, new ones could not be read: asking again`);
      this.pause = Math.min(2 * this.pause, MAX_PAUSE_MS);
      console.warn("the board could not be read", error);
    }
    this.looking = false;
    this.wait();
  }

  async read() {
    this.wanted = false;
    const answer = await fetch(this.url, { signal: AbortSignal.timeout(PATIENCE) });
    this.gone = answer.status === 404;
    if (this.gone) {
      setTrouble("board", null);
      const message = document.createElement("p");
      message.className = "alarm";
      message.textContent = "A reorg has taken back what was shown here. Should it happen again, it will come back.";
      board().replaceChildren(message);
      return;
    }
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    readChain(page);
    showTimes(page);
    patch(board(), page.getElementById("board"));
    this.readAt = performance.now();
    restoreCursor();
    setTrouble("board", null);
  }
}
