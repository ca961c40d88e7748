// The line that says how far the page can be relied on: the connection's trouble, the board's, or else the state that the
// board shows.

const troubles = { connection: null, board: null };

export function readState() {
  const connection = document.getElementById("connection");
  const chain = document.getElementById("chain");
  const trouble = troubles.connection ?? troubles.board;
  const said = trouble ?? chain?.dataset.verdict ?? connection.textContent;
  if (connection.textContent !== said) connection.textContent = said;
  connection.dataset.state = trouble ? "away" : chain?.dataset.state ?? "live";
}

export function setTrouble(part, text) {
  troubles[part] = text;
  readState();
}
