// Fetches each address of a JSON array on stdin as SvelteKit and Next do, by Node's own fetch, and prints a JSON array
// of the statuses; an answer that fetch refuses ends the process.
import { text } from 'node:stream/consumers';

const found = [];
for (const url of JSON.parse(await text(process.stdin))) {
    const answer = await fetch(url, { headers: { 'Accept-Encoding': 'gzip' } });
    const body = await answer.text();
    if (answer.status === 200) JSON.parse(body);
    found.push([answer.status, answer.headers.get('content-encoding')]);
}
console.log(JSON.stringify(found));
