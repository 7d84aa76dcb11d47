// A SCIM 2.0 server made of `scimmy` and `scimmy-routers`, for the connector's tests.
//
//   node server.mjs <token> [port]
//
// Prints {"port": …} as its first line and ends when its standard input closes.
// Only the storage is ours: what the library does with filters, patches, ETags and errors is
// left as it is. Outside of SCIM, below /__, a test looks at the state and prepares it.

import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import { SCIMMYRouters } from "scimmy-routers";

const [token, port = "0"] = process.argv.slice(2);
if (!token) {
    console.error("usage: node server.mjs <token> [port]");
    process.exit(2);
}

const users = new Map();
const groups = new Map();
const requests = [];

function store(Resource, table, conflicts) {
    const missing = (id) => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
    const copy = (value) => JSON.parse(JSON.stringify(value));

    SCIMMY.Resources.declare(Resource)
        .ingress((resource, data) => {
            const id = resource.id ?? randomUUID();
            const before = table.get(id);
            if (resource.id && !before) throw missing(id);
            if (conflicts(id, data)) throw new SCIMMY.Types.Error(409, "uniqueness", "This already exists");
            const now = new Date().toISOString();
            const meta = { created: before?.meta?.created ?? now, lastModified: now };
            table.set(id, { ...copy(data), id, meta });
            return copy(table.get(id));
        })
        .egress((resource) => {
            if (!resource.id) {
                const all = [...table.values()].map(copy);
                return resource.filter ? resource.filter.match(all) : all;
            }
            if (!table.has(resource.id)) throw missing(resource.id);
            return copy(table.get(resource.id));
        })
        .degress((resource) => {
            if (!table.delete(resource.id)) throw missing(resource.id);
        });
}

store(SCIMMY.Resources.User, users, (id, { userName }) =>
    [...users.values()].some((user) => user.id !== id && user.userName.toLowerCase() === userName.toLowerCase()));
store(SCIMMY.Resources.Group, groups, () => false);

const app = express();

app.use("/scim/v2", (request, _response, next) => {
    requests.push({ method: request.method, url: request.originalUrl, ifMatch: request.get("if-match") ?? null });
    next();
});
app.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        if (request.get("authorization") !== `Bearer ${token}`) throw new Error("The token is wrong");
        return "tests";
    },
}));

app.get("/__users", (_request, response) => response.json([...users.values()]));
app.get("/__groups", (_request, response) => response.json([...groups.values()]));
app.get("/__requests", (_request, response) => response.json(requests));
app.post("/__groups", express.json(), (request, response) => {
    groups.set(request.body.id, request.body);
    response.status(201).json(request.body);
});
app.post("/__users", express.json(), (request, response) => {
    users.set(request.body.id, request.body);
    response.status(201).json(request.body);
});

const server = app.listen(Number(port), "127.0.0.1", (error) => {
    if (error) throw error;
    console.log(JSON.stringify({ port: server.address().port }));
});

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
