// Follows `/ws` with the compiled client in a folder, and prints what is known as a line of JSON after each change:
// node follow.mjs FOLDER URL SINCE PLAYER
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, url, since, player] = process.argv.slice(2);
const { keepFresh, Live, Timeline } = await import(pathToFileURL(join(folder, "src", "index.js")));

const live = new Live(url, { since, preconfirmed: true, pingEvery: 1000 });
const early = new Set();
const dropped = [];
const lost = [];
const states = [];
let position = null;
let reorgs = 0;
let aborted = 0;
let waiting = false;

function print() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    const ids = feed.events.filter(({ id }) => id !== undefined).map(({ id }) => id);
    const pending = feed.events.filter(({ id }) => id === undefined).map(({ key }) => key);
    const known = { state: live.state.status, states, ids, pending, early: [...early], dropped, reorgs, lost, position };
    console.log(JSON.stringify({ ...known, aborted, cursor: live.cursor }));
  }, 20);
}

const feed = new Timeline(live, 100_000, print);
live.watch(player);
live.on("FEED_EVENT", ({ id, key }) => id === undefined && early.add(key));
live.on("DROPPED", ({ keys }) => dropped.push(...keys));
live.on("REORG", () => reorgs++);
live.on("POSITION_UPDATE", (update) => {
  position = update.position;
  print();
});
// An answer that never comes: a reorg makes it pointless.
const never = (block, signal) =>
  new Promise((_, reject) => {
    signal.onabort = () => {
      aborted++;
      reject(signal.reason);
    };
  });
keepFresh(live, never, { every: 0 });
live.on("state", (state) => {
  states.push(state.status);
  if (state.status === "offline") lost.push(state.code);
  print();
});
