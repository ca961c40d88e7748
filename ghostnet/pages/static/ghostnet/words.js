// Rows of the feed, made of the sentences that the page contains.

const WEI = 10n ** 18n;

export const LEVELS = ["NONE", "VAULT", "MAINFRAME", "SUBNET", "DARKNET", "BLACK ICE"];

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
  winner: (value) => (value ? SHAPES.player(value) : "nobody"),
  data: (value) => exact(`${inTokens(value)} DATA`, `${value} wei`),
  eth: (value) => exact(`${inTokens(value, 6)} ETH`, `${value} wei`),
  bps: (value) => `${Number(value) / 100} %`,
  level: (value) => (value ? LEVELS[value] ?? String(value) : "the whole network"),
  scan: (value, data) => link(`#${value}`, `/scan/${data.level}/${encodeURIComponent(value)}`),
  text: (value) => String(value),
};

export function row(message, sentences) {
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
