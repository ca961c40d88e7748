// The page is complete as served. This keeps it up to date: the feed by /ws, the board by asking for it again.

const MOST_ROWS = 60;
const BOARD_EVERY = 1000;
const BOARD_AT_LEAST_EVERY = 15000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10000;
const WEI = 10n ** 18n;
const LEVELS = ["NONE", "VAULT", "MAINFRAME", "SUBNET", "DARKNET", "BLACK ICE"];

const live = document.getElementById("live");
const feed = document.getElementById("feed");
const connection = document.getElementById("connection");
const notice = document.getElementById("notice");

function inTokens(wei, decimals = 2) {
  const value = BigInt(wei);
  const size = value < 0n ? -value : value;
  const rest = String((size % WEI) * 10n ** BigInt(decimals) / WEI).padStart(decimals, "0");
  return `${value < 0n ? "-" : ""}${(size / WEI).toLocaleString("en")}.${rest}`;
}

const short = (text) => (text.length > 12 ? `${text.slice(0, 6)}…${text.slice(-4)}` : text);

function link(text, href, title) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = text;
  if (title) anchor.title = title;
  return anchor;
}

function exact(text, title) {
  const span = document.createElement("span");
  span.textContent = text;
  span.title = title;
  return span;
}

const SHAPES = {
  player: (value) => link(short(value), `/player/${encodeURIComponent(value)}`, value),
  data: (value) => exact(`${inTokens(value)} DATA`, `${value} wei`),
  eth: (value) => exact(`${inTokens(value, 6)} ETH`, `${value} wei`),
  bps: (value) => `${Number(value) / 100} %`,
  level: (value) => LEVELS[value] ?? String(value),
  scan: (value, data) => link(`#${value}`, `/scan/${data.level}/${encodeURIComponent(value)}`),
  text: (value) => String(value),
};

function row(message, sentences) {
  const { type, data, block } = message.event;
  const line = document.createElement("li");
  line.dataset.id = message.id;
  line.dataset.kind = type;
  line.className = "new";
  const number = document.createElement("b");
  number.textContent = block;
  const words = document.createElement("span");
  const pieces = (sentences[type] ?? type).split(/\{(\w+):(\w+)\}/);
  for (let index = 0; index < pieces.length; index += 3) {
    words.append(pieces[index]);
    if (index + 2 < pieces.length) words.append(SHAPES[pieces[index + 2]](data[pieces[index + 1]], data));
  }
  line.append(number, " ", words);
  return line;
}

function say(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

// Counts down by the chain's time: that of the last block, and what our clock has gone on since.
let chainTime = 0;
let chainSeen = 0;

function readChain() {
  const chain = document.getElementById("chain");
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

let boardWanted = false;
let boardBusy = false;

async function readBoard() {
  if (!boardWanted || boardBusy || document.hidden) return;
  boardWanted = false;
  boardBusy = true;
  try {
    const answer = await fetch(live.dataset.board);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement?.closest("#board") && document.activeElement.getAttribute("href");
    document.getElementById("board").replaceWith(page.getElementById("board"));
    if (focused) document.querySelector(`#board a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    readChain();
    countDown();
  } catch (error) {
    boardWanted = true;
    console.warn("the board could not be read", error);
  } finally {
    boardBusy = false;
  }
}

class Feed {
  constructor(sentences) {
    this.sentences = sentences;
    this.cursor = BigInt(live.dataset.cursor);
    this.pause = FIRST_PAUSE;
  }

  connect() {
    connection.textContent = "connecting…";
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws`);
    this.socket.onopen = () => this.subscribe();
    this.socket.onmessage = (frame) => this.take(JSON.parse(frame.data));
    this.socket.onclose = () => this.retry();
  }

  subscribe() {
    this.send({ type: "SUBSCRIBE", channels: ["feed"], since: String(this.cursor) });
    if (live.dataset.player) this.send({ type: "SUBSCRIBE_USER", address: live.dataset.player });
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  retry() {
    connection.textContent = `reconnecting in ${(this.pause / 1000).toFixed(1)} s: what you see may be old`;
    connection.dataset.state = "away";
    setTimeout(() => this.connect(), this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
  }

  take(message) {
    switch (message.type) {
      case "FEED_EVENT":
        this.cursor = BigInt(message.id);
        feed.prepend(row(message, this.sentences));
        while (feed.children.length > MOST_ROWS) feed.lastChild.remove();
        boardWanted = true;
        break;
      case "REORG":
        this.undo(message);
        break;
      case "SUBSCRIBED":
        this.pause = FIRST_PAUSE;
        connection.textContent = "live";
        connection.dataset.state = "live";
        boardWanted = true;
        break;
      case "POSITION_UPDATE":
        boardWanted = true;
        break;
      case "SCAN_WARNING":
        say(`Scan of ${LEVELS[message.level]} in ${message.seconds_until} s`);
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
    for (const line of [...feed.children]) {
      if (line.dataset.id && BigInt(line.dataset.id) >= first) line.remove();
    }
    if (this.cursor >= first) this.cursor = first - 1n;
    say(`Reorg: the chain took back what happened after block ${ancestor}. What replaces it follows.`);
    boardWanted = true;
  }
}

if (live) {
  readChain();
  countDown();
  setInterval(countDown, 1000);
  setInterval(readBoard, BOARD_EVERY);
  setInterval(() => { boardWanted = true; }, BOARD_AT_LEAST_EVERY);
  new Feed(JSON.parse(document.getElementById("sentences").textContent)).connect();
}
