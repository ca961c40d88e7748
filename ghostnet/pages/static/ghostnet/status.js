// Keeps the operators' status page up to date, and says so when it can't.

import { patch } from "./patch.js";
import { showTimes } from "./times.js";

const EVERY = 5000;
const PATIENCE = 10000;

async function read() {
  const verdict = document.querySelector(".verdict .said");
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.redirected) location.reload(); // the session is over
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    patch(document.getElementById("content"), page.getElementById("content"));
  } catch (error) {
    verdict.textContent = `This page is old: ${error.message}`;
    verdict.parentElement.dataset.state = "away";
  }
}

async function follow() {
  if (!document.hidden) await read();
  setTimeout(follow, EVERY);
}

setInterval(() => showTimes(), 1000);
setTimeout(follow, EVERY);
