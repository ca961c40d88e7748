// Writes the types of docs/openapi.json and docs/asyncapi.json into a folder, src/types unless another is named, by
// openapi-typescript, which must be on PATH. The shapes of /ws are made as those of an API without paths, with two
// more: all messages of the server, and all of clients.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const folder = process.argv[2] ?? join(here, "src", "types");
const read = (name) => JSON.parse(readFileSync(join(here, "..", "..", "docs", name), "utf8"));

function write(document, name) {
  const options = ["--root-types", "--root-types-no-schema-prefix", "--default-non-nullable", "false"];
  execFileSync("openapi-typescript", [...options, "-o", join(folder, name)], {
    input: JSON.stringify(document),
    stdio: ["pipe", "ignore", "inherit"],
  });
}

const { info, operations, components } = read("asyncapi.json");
const anyOf = (operation) => ({
  oneOf: operation.messages.map(({ $ref }) => components.messages[$ref.split("/").pop()].payload),
});
const unions = { ServerMessage: anyOf(operations.sendToClient), ClientMessage: anyOf(operations.receiveFromClient) };
write(read("openapi.json"), "rest.ts");
write({ openapi: "3.1.0", info, paths: {}, components: { schemas: { ...components.schemas, ...unions } } }, "ws.ts");
