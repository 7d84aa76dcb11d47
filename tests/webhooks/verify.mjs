// Checks signatures by `standardwebhooks`, for the tests of webhooks.
//
//   node verify.mjs
//
// Prints {"port": …} as its first line and ends when its standard input closes. POST {secret, headers, body, now}: the
// answer tells whether the library takes it at that time, in seconds.

import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const clock = Date.now;

function verify({ secret, headers, body, now }) {
    Date.now = () => now * 1000;
    try {
        return { payload: new Webhook(secret).verify(body, headers) };
    } catch (error) {
        return { error: error.message };
    } finally {
        Date.now = clock;
    }
}

const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(verify(JSON.parse(Buffer.concat(chunks)))));
    });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on("end", () => process.exit()).resume();
