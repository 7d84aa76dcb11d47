// An OpenID Connect provider made of `oidc-provider`, which issues a partner's access tokens.
//
//   node server.mjs <people as JSON>
//
// People are { "<client id>": { claims } }: each signs in as a client of their own, with the secret "secret".
// Prints {"issuer": …} as its first line and ends when its standard input closes. Tokens, their form and the key set
// are the library's; ours are the claims of the people and, at /__rotate, a new key that signs from then on, with
// the old ones still published, or gone with ?forget.

import { generateKeyPair, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Provider from "oidc-provider";

const people = JSON.parse(process.argv[2] ?? "{}");
const keys = [];
let issuer;
let answer;
let readings = 0;

async function addKey() {
    const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
    keys.unshift({ ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" });
}

function provide() {
    const provider = new Provider(issuer, {
        jwks: { keys: structuredClone(keys) },
        clients: Object.keys(people).map((id) => ({
            client_id: id,
            client_secret: "secret",
            grant_types: ["client_credentials"],
            redirect_uris: [],
            response_types: [],
        })),
        features: {
            devInteractions: { enabled: false },
            clientCredentials: { enabled: true },
            resourceIndicators: {
                enabled: true,
                defaultResource: () => "urn:guichet",
                getResourceServerInfo: () => ({
                    scope: "",
                    audience: "guichet",
                    accessTokenTTL: 3600,
                    accessTokenFormat: "jwt",
                    jwt: { sign: { alg: "RS256" } },
                }),
            },
        },
        extraTokenClaims: (_context, token) => people[token.clientId],
    });
    answer = provider.callback();
}

const server = createServer(async (request, response) => {
    const url = new URL(request.url, issuer);
    if (url.pathname === "/__rotate") {
        if (url.searchParams.has("forget")) keys.length = 0;
        await addKey();
        provide();
        response.end();
    } else if (url.pathname === "/__readings") {
        response.end(String(readings));
    } else {
        if (url.pathname === "/jwks") readings += 1;
        answer(request, response);
    }
});

server.listen(0, "127.0.0.1", async () => {
    issuer = `http://127.0.0.1:${server.address().port}`;
    await addKey();
    provide();
    console.log(JSON.stringify({ issuer }));
});

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
