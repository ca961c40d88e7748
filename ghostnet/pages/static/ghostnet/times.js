// Times that go on by themselves: ages, and the time left. `times.py` writes those of the page as served.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function span(seconds) {
  const whole = Math.max(0, Math.trunc(seconds));
  if (whole < 2 * MINUTE) return `${whole} s`;
  if (whole < 2 * HOUR) return `${Math.trunc(whole / MINUTE)} min`;
  if (whole < 2 * DAY) return `${Math.trunc(whole / HOUR)} h`;
  return `${Math.trunc(whole / DAY)} days`;
}

export function left(seconds) {
  const whole = Math.round(seconds);
  if (whole <= 0) return "due";
  if (whole >= 2 * DAY) return span(whole);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.trunc(whole / HOUR), Math.trunc(whole / MINUTE) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function stamp(milliseconds) {
  const time = document.createElement("time");
  const iso = new Date(milliseconds).toISOString();
  time.className = "age";
  time.dateTime = iso;
  time.title = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
  time.textContent = `${span((Date.now() - milliseconds) / 1000)} ago`;
  return time;
}

// The chain's clock: the newest block's time as soon as it was seen, and on from there. A board that is late, or shows
// the same block again, does not turn it back. Where the next block is overdue the chain stands still, and its clock too:
// all browsers, and a page that is loaded anew, show the same time left.
const MAX_STEP = 10;
let newest = -Infinity;
let ahead = -Infinity;
let until = Infinity;

export function readChain(root = document) {
  const time = Number(root.getElementById("chain")?.dataset.time);
  if (!(time > newest)) return;
  const now = Date.now() / 1000;
  const moves = newest > 0 || now - time < MAX_STEP;
  newest = time;
  ahead = Math.max(ahead, time - now);
  until = moves ? time + MAX_STEP : time;
}

export const chainTime = () => Math.min(Date.now() / 1000 + ahead, until);

export function showTimes(root = document) {
  const seen = Date.now() / 1000;
  for (const time of root.querySelectorAll("time.age")) {
    const text = `${span(seen - Date.parse(time.dateTime) / 1000)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
  const now = chainTime();
  for (const time of root.querySelectorAll("time.countdown")) {
    const text = left(Date.parse(time.dateTime) / 1000 - now);
    if (time.textContent !== text) time.textContent = text;
  }
}
