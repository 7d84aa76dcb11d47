// Makes, in the directory of the first argument: a key set, an issuer's settings, and the token of an administrator who owns the organization, too;
// and another one's, for what nobody may do alone.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const directory = resolve(process.argv[2]);
const put = (name, text) => writeFileSync(join(directory, name), text, { mode: 0o600 });
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
mkdirSync(directory, { recursive: true });

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { ...publicKey.export({ format: "jwk" }), kid: "bench", alg: "RS256", use: "sig" };
put("jwks.json", JSON.stringify({ keys: [jwk] }));
put("issuers.json", JSON.stringify([{
  issuer: "https://bench.example",
  audience: "guichet",
  organization: "org-1",
  keys: { jwksFile: join(directory, "jwks.json") },
  algorithms: ["RS256"],
  roles: { allowed: ["GLOBAL_ADMINISTRATOR", "ORGANIZATION_OWNER"] },
}], null, 2));
put("secret", randomBytes(32).toString("base64"));

const now = Math.floor(Date.now() / 1000);
const token = (subject, name) => {
  const claims = {
    iss: "https://bench.example", aud: "guichet", sub: subject, name, roles: ["GLOBAL_ADMINISTRATOR", "ORGANIZATION_OWNER"],
    iat: now - 60, exp: now + 365 * 86400,
  };
  const body = `${part({ alg: "RS256", kid: "bench", typ: "at+jwt" })}.${part(claims)}`;
  return `${body}.${sign("sha256", Buffer.from(body), privateKey).toString("base64url")}`;
};
put("token", token("bench", "Bench"));
put("other-token", token("other", "Other"));
