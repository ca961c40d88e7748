// The feed stays in place for who reads it: while they point at it, have the focus in it, or have scrolled down.

const feed = document.getElementById("feed");
const title = document.getElementById("feed-title");

// The line that is kept in place and its distance from the feed's top, how far the feed was scrolled for that, and
// whether it was at its top before. The line stays the same, as browsers round how far something is scrolled.
let kept = null;

export const isRead = () => feed.scrollTop > 0 || feed.matches(":hover, :focus-within");

const distance = (line) => line.getBoundingClientRect().top - feed.getBoundingClientRect().top;
const isUnmoved = () => kept !== null && Math.abs(feed.scrollTop - kept.scrolled) < 1;

// Makes a change of the feed's lines; the first visible line that is in a block stays where it is seen.
export function keepPlace(change) {
  const isHeld = feed.scrollTop === 0 || (isUnmoved() && kept.isHeld);
  if (!isRead()) kept = null;
  else if (!isUnmoved() || !kept.line.isConnected) {
    const line = [...feed.querySelectorAll("[data-id]")].find((one) => distance(one) + one.offsetHeight > 0);
    kept = line ? { line, top: distance(line) } : null;
  }
  change();
  if (kept?.line.isConnected) {
    feed.scrollTop += distance(kept.line) - kept.top;
    kept.scrolled = feed.scrollTop;
    kept.isHeld = isHeld && kept.scrolled > 0;
  }
  title.classList.toggle("held", Boolean(kept?.isHeld));
}

function release() {
  if (isUnmoved() && kept.isHeld) feed.scrollTop = 0;
  kept = null;
  title.classList.remove("held");
}

export function watchReader() {
  feed.addEventListener("pointerleave", () => { if (!feed.matches(":focus-within")) release(); });
  feed.addEventListener("focusout", (event) => {
    if (!feed.contains(event.relatedTarget) && !feed.matches(":hover")) release();
  });
}
