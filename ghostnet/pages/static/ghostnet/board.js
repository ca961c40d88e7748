// The board: fetched again after a change, and patched in place, so that focus, scrolling and selection stay.

const LOOK_EVERY = 1000;
const READ_AT_LEAST_EVERY = 15000;
const LONGEST_PAUSE = 30000;
const PATIENCE = 10000;

const board = () => document.getElementById("board");

function patch(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...(old.attributes ?? [])]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes ?? []) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((node, index) => (before[index] ? patch(before[index], node) : old.append(node)));
  before.slice(after.length).forEach((node) => node.remove());
}

// Counts down by the chain's time: the last block's, plus the time since it was read.
let chainTime = 0;
let chainSeen = 0;

function readChain() {
  const chain = document.getElementById("chain");
  if (!chain) return;
  chainTime = Number(chain.dataset.time);
  chainSeen = performance.now();
}

function countDown() {
  const now = chainTime + (performance.now() - chainSeen) / 1000;
  for (const element of document.querySelectorAll(".countdown")) {
    const left = Math.round(Number(element.dataset.until) - now);
    if (!Number.isFinite(left) || left > 1e9) continue;
    if (left <= 0) element.textContent = "due";
    else {
      const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
      element.textContent = parts.map((part) => String(part).padStart(2, "0")).join(":");
    }
  }
}

export class Board {
  constructor(url) {
    this.url = url;
    this.wanted = false;
    this.gone = false;
    this.readAt = performance.now();
    this.pause = LOOK_EVERY;
    readChain();
    countDown();
    setInterval(countDown, 1000);
    this.wait();
  }

  want() {
    this.wanted = true;
  }

  // All browsers get a block at the same moment: they must not all fetch at the same moment.
  wait() {
    setTimeout(() => this.look(), this.pause * (0.5 + Math.random()));
  }

  async look() {
    const old = performance.now() - this.readAt > READ_AT_LEAST_EVERY && !this.gone;
    try {
      if (!document.hidden && (this.wanted || old)) await this.read();
      this.pause = LOOK_EVERY;
    } catch (error) {
      this.wanted = true;
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
      console.warn("the board could not be read", error);
    }
    this.wait();
  }

  async read() {
    this.wanted = false;
    const answer = await fetch(this.url, { signal: AbortSignal.timeout(PATIENCE) });
    this.gone = answer.status === 404;
    if (this.gone) {
      const message = document.createElement("p");
      message.className = "alarm";
      message.textContent = "A reorg has taken back what was shown here. Should it happen again, it will come back.";
      board().replaceChildren(message);
      return;
    }
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    patch(board(), page.getElementById("board"));
    this.readAt = performance.now();
    readChain();
    countDown();
  }
}
