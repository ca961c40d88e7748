// The line that says how far the page can be relied on: the connection's trouble, or else the board's state.

let trouble = null;

export function readState() {
  const connection = document.getElementById("connection");
  const chain = document.getElementById("chain");
  const said = trouble ?? chain?.dataset.verdict ?? connection.textContent;
  if (connection.textContent !== said) connection.textContent = said;
  connection.dataset.state = trouble ? "away" : chain?.dataset.state ?? "live";
}

export function setTrouble(text) {
  trouble = text;
  readState();
}
