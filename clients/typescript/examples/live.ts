// A live board, a player, their rank and their bets, through reorgs, lost connections and restarts of the server:
// node clients/typescript/examples/live.ts http://127.0.0.1:8000 0x08a14f70b4bc7f46e172ad6795516405eb88f1eb

import { Api, keepFresh, Live, type Rest, Timeline, type Ws } from "../src/index.ts";

declare const process: { argv: string[] };
const [server = "http://127.0.0.1:8000", player = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"] = process.argv.slice(2);

const api = new Api(server);
const live = new Live(server, { last: 5, preconfirmed: true });
let network: Rest.Network | undefined;
let position: Ws.Position | null = null;
let ranks: Rest.StakerBoard | undefined;
let bets: Rest.Bet[] = [];
let block = 0;

const feed = new Timeline(live, 5, show);
live.watch(player);
live.on("state", show);
live.on("POSITION_UPDATE", (update) => {
  position = update.position;
  show();
});
keepFresh(live, async (min_block, signal) => {
  const [vitals, board, placed] = await Promise.all([
    api.get("/network", { min_block }, { signal }),
    api.get("/leaderboard/staked", { address: player, limit: 1, min_block }, { signal }),
    api.get("/bets/{address}", { address: player, limit: 5, min_block }, { signal }),
  ]);
  [network, ranks, bets, block] = [vitals.data, board.data, placed.data.items, vitals.block];
  show();
});

function data(wei: string): string {
  return `${(Number(BigInt(wei) / 10n ** 14n) / 1e4).toFixed(2)} DATA`;
}

function show(): void {
  console.log(`\n== ${live.state.status}, block ${block} ==`);
  for (const { level_name, players, total_staked, next_scan_at } of network?.levels ?? [])
    console.log(`${level_name}: ${players} players, ${data(total_staked)}, next scan at ${next_scan_at}`);
  if (position)
    console.log(`${player}: ${position.status}, ${data(position.effective_amount)} on ${position.level_name}`);
  else console.log(`${player}: no position`);
  console.log(ranks?.me ? `rank ${ranks.me.rank} of ${ranks.total} by stake` : "no rank");
  for (const { amount, side, round_id, status } of bets)
    console.log(`bet of ${data(amount)} on ${side} in round ${round_id}: ${status}`);
  for (const { id, event } of feed.events)
    console.log(`${id ?? "before its block"} ${event.type} ${JSON.stringify(event.data)}`);
}
