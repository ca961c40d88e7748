// What the compiled client in a folder does when the server refuses: prints it as JSON.
// node refusals.mjs FOLDER URL
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, url] = process.argv.slice(2);
const { Api, ApiError, Live } = await import(pathToFileURL(join(folder, "src", "index.js")));
const found = {};

const once = new Api(url, { retries: 0 });
async function failure(work) {
  try {
    return { answer: await work() };
  } catch (error) {
    const { name, status, detail, errors, retryAfter } = error;
    return { name, isApiError: error instanceof ApiError, status, detail, errors, retryAfter };
  }
}
found.typo = await failure(() => once.get("/deaths", { levl: 4 }));
found.missing = await failure(() => once.get("/rounds/{round_id}", { round_id: 999_999 }));
found.early = await failure(() => once.get("/network", { min_block: 99_999_999 }));
found.aborted = await failure(() => once.get("/network", {}, { signal: AbortSignal.abort() }));
found.nobody = await failure(() => new Api("http://127.0.0.1:9", { retries: 1 }).get("/network"));

// The second attempt is answered.
let attempts = 0;
const patient = new Api(url, {
  fetch: (address, options) => fetch(attempts++ ? address.replace("99999999", "1") : address, options),
});
const answer = await patient.get("/network", { min_block: 99_999_999 });
found.repeated = { attempts, block: answer.block, hash: answer.hash, cursor: answer.cursor };

// A cursor that no chain has: what is known is forgotten, and it goes on from now.
const lost = new Live(url, { since: "9000000000000000000" });
const states = [];
found.reset = await new Promise((resolve) => {
  let code;
  lost.on("reset", (error) => (code = error.code));
  lost.on("state", ({ status }) => {
    states.push(status);
    if (code && status === "live") resolve({ code, states, cursor: lost.cursor });
  });
});
lost.close();
found.closed = lost.state;

// Who is told to mend its client stays away for a minute.
let socket;
class Noted extends WebSocket {
  constructor(...all) {
    super(...all);
    socket = this;
  }
}
const wild = new Live(url, { WebSocket: Noted });
found.penance = await new Promise((resolve) => {
  wild.on("ERROR", () => {});
  wild.on("state", (state) => {
    if (state.status === "live") for (let n = 0; n < 20; n++) socket.send("{");
    if (state.status === "offline") resolve(state);
  });
});
wild.close();
found.address = await failure(async () => wild.watch("0x12"));
console.log(JSON.stringify(found));
