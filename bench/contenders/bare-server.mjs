// node:http alone: reads each body to its end and answers the bytes of one file. JavaScript, so that every Node runs it as it is.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const answer = readFileSync(process.argv[2]);
const headers = { "content-type": "application/json", "content-length": answer.length, "cache-control": "no-store" };

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    response.writeHead(200, headers);
    response.end(answer);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
