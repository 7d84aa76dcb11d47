// An OpenID Connect provider made of `oidc-provider`, which issues a partner's access tokens.
//
//   node server.mjs <people as JSON> [<address to send people back to>]
//
// People are { "<name>": { claims } }: each is a client of their own, with the secret "secret"; and each can sign in in
// a browser, by their name, at the client "guichet-page", which is public, or at "guichet-server", with the secret
// "secret". Prints {"issuer": …} as its first line and ends when its standard input closes. Tokens, their form, the
// flows and the key set are the library's; ours are the claims of the people, the form that asks for the name and, at
// /__rotate, a new key that signs from then on, with the old ones still published, or gone with ?forget.

import { generateKeyPair, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Provider from "oidc-provider";

const people = JSON.parse(process.argv[2] ?? "{}");
const back = process.argv[3];
const keys = [];
let issuer;
let provider;
let answer;
let readings = 0;

async function addKey() {
    const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
    keys.unshift({ ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" });
}

const byCode = { grant_types: ["authorization_code"], response_types: ["code"], redirect_uris: back ? [back] : [] };

function provide() {
    provider = new Provider(issuer, {
        jwks: { keys: structuredClone(keys) },
        clients: [
            ...Object.keys(people).map((id) => ({
                client_id: id,
                client_secret: "secret",
                grant_types: ["client_credentials"],
                redirect_uris: [],
                response_types: [],
            })),
            ...(back ? [
                { client_id: "guichet-page", token_endpoint_auth_method: "none", ...byCode },
                { client_id: "guichet-server", client_secret: "secret", ...byCode },
            ] : []),
        ],
        features: {
            devInteractions: { enabled: false },
            clientCredentials: { enabled: true },
            resourceIndicators: {
                enabled: true,
                // Whoever names no resource by code gets a token that only the provider understands.
                defaultResource: (_context, client) => client.grantTypeAllowed("client_credentials") ? "urn:guichet" : undefined,
                getResourceServerInfo: (_context, resource) => ({
                    scope: "",
                    audience: resource === "urn:guichet" ? "guichet" : resource,
                    accessTokenTTL: 3600,
                    accessTokenFormat: "jwt",
                    jwt: { sign: { alg: "RS256" } },
                }),
            },
        },
        extraTokenClaims: (_context, token) => people[token.accountId ?? token.clientId],
        findAccount: (_context, name) => people[name] && { accountId: name, claims: () => ({ sub: name }) },
        interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
        // Nobody is asked for their consent.
        loadExistingGrant: async ({ oidc }) => {
            const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
            grant.addOIDCScope("openid");
            grant.addResourceScope("urn:guichet", "");
            await grant.save();
            return grant;
        },
    });
    answer = provider.callback();
}

const FORM = `<!doctype html><html lang="en"><title>Sign in</title><form method="post">
<label>Name <input name="name" autofocus></label> <button>Sign in</button> <button name="cancel" value="1">Cancel</button></form>`;

async function interact(request, response) {
    if (request.method !== "POST") {
        response.setHeader("content-type", "text/html; charset=utf-8");
        response.end(FORM);
        return;
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const result = form.has("cancel")
        ? { error: "access_denied", error_description: "The person did not want to." }
        : { login: { accountId: form.get("name") } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
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
    } else if (url.pathname.startsWith("/interaction/")) {
        await interact(request, response);
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
