// Rows of the feed, made of the sentences that the page contains; `wording.py` makes those of the page as served.

import { stamp } from "./times.js";

const WEI = 10n ** 18n;
const MAX_SHOWN = 10n ** 30n;

export const LEVELS = ["the whole network", "VAULT", "MAINFRAME", "SUBNET", "DARKNET", "BLACK ICE"];
const ROUND_TYPES = ["DEATH_COUNT", "WHALE_DEATH", "STREAK_RECORD", "SYSTEM_RESET"];

const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

function inTokens(wei, decimals = 2) {
  const value = BigInt(wei);
  const size = value < 0n ? -value : value;
  const rest = String((size % WEI) * 10n ** BigInt(decimals) / WEI).padStart(decimals, "0");
  return `${value < 0n ? "-" : ""}${(size / WEI).toLocaleString("en")}.${rest}`;
}

const short = (text) => (text.length > 12 ? `${text.slice(0, 6)}…${text.slice(-4)}` : text);
const percent = (bps) => `${Number(bps) / 100}\u00a0%`;
const counted = (count, one, many) => `${BigInt(count).toLocaleString("en")} ${String(count) === "1" ? one : many}`;

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

function player(value) {
  const name = words.names[value.toLowerCase()];
  return name ? exact(name, value) : link(short(value), `/player/${encodeURIComponent(value)}`, value);
}

function question(line, data) {
  const type = /^\d+$/.test(data.round_type) ? ROUND_TYPES[data.round_type] : data.round_type.toUpperCase();
  const where = LEVELS[data.target_level ?? 0];
  const [subject, number] = {
    DEATH_COUNT: () => [`deaths on ${where}`, BigInt(line).toLocaleString("en")],
    WHALE_DEATH: () => [`the largest stake to die on ${where}`, `${inTokens(line)} DATA`],
    STREAK_RECORD: () => [`the longest streak on ${where}`, counted(line, "scan", "scans")],
    SYSTEM_RESET: () => ["system resets", BigInt(line).toLocaleString("en")],
  }[type]();
  return `${subject}: over or under ${BigInt(line) > MAX_SHOWN ? "a number beyond reach" : number}?`;
}

const isReduction = (type) => ["0", "DEATH_REDUCTION"].includes(String(type).toUpperCase());

const SHAPES = {
  player,
  winner: (value) => (value ? player(value) : "nobody"),
  data: (value) => exact(`${inTokens(value)} DATA`, `${value} wei`),
  rewards: (value) => (BigInt(value) ? exact(`${inTokens(value)} DATA of rewards`, `${value} wei`) : "no rewards"),
  eth: (value) => exact(`${inTokens(value, 6)} ETH`, `${value} wei`),
  level: (value) => LEVELS[value ?? 0] ?? String(value),
  scan: (value, data) => link(`#${value}`, `/scan/${data.level}/${encodeURIComponent(value)}`),
  round: (value) => link(`#${value}`, `/round/${encodeURIComponent(value)}`),
  scans: (value) => counted(value, "scan survived", "scans survived"),
  dead: (value) => counted(value, "player died", "players died"),
  text: (value) => String(value),
  boost: (value, data) => `${isReduction(data.boost_type) ? "death rate −" : "yield +"}${percent(value)}`,
  question,
};

// Transfers to and from the contracts have none: the event that caused one has a sentence of its own.
export function hasSentence({ type, data }) {
  if (!(type in words.sentences)) return false;
  return !type.includes("TRANSFER") || ![data.from, data.to].some((one) => words.contracts.includes(one.toLowerCase()));
}

export const mentions = ({ data }, address) =>
  Object.values(data).some((value) => typeof value === "string" && value.toLowerCase() === address.toLowerCase());

export function row(message) {
  const { type, data, timestamp, tx } = message.event;
  const line = document.createElement("li");
  if (message.id) line.dataset.id = message.id;
  line.dataset.key = message.key;
  line.dataset.kind = type;
  line.className = message.status === "preconfirmed" ? "new early" : "new";
  const when = link("", `/tx/${tx}`);
  when.append(stamp(timestamp));
  const text = document.createElement("span");
  const pieces = words.sentences[type].split(/\{(\w+):(\w+)\}/);
  for (let index = 0; index < pieces.length; index += 3) {
    text.append(pieces[index]);
    if (index + 2 < pieces.length) text.append(SHAPES[pieces[index + 2]](data[pieces[index + 1]], data));
  }
  line.append(when, " ", text);
  return line;
}
