// A SCIM 2.0 server in memory that answers at once: the remote of bench/deliver.
//
// Usage: node bench/scim_peer.mjs '{"users": 1000, "groups": 1, "perGroup": 0, …}'
//
// It prints its port, and ends when its standard input ends. The user of number n has the id u<n>, Guichet's id of
// bench/delivery_data.py as `externalId`, and user<n>@bench.example as `userName`; the groups are group0, group1, ….
//
// users       how many users it knows at the start (0)
// groups      how many groups it has (1)
// others      ids of more groups
// full        every user n is a member of the group n % groups at the start
// refuse      every so manyth user cannot be added: a PATCH with one of them is refused whole, by 400 (0: nobody)
// slack       limits within any 60 seconds: 180 PATCHes of groups, 180 POSTs of users, 300 GETs of groups; beyond them
//             429 with Retry-After
// latency     how long each answer takes, in ms (0)
// lies        every so manyth PATCH that it answers with success is not made (0: none); see bench/deliver --break
//
// Beside SCIM: /__counts (calls by kind, refusals, and what was written twice), /__members/<group> (the true members),
// /__members (all of them).
import { createServer } from "node:http";

const settings = { users: 0, groups: 1, others: [], full: false, refuse: 0, slack: false, latency: 0, lies: 0,
  ...JSON.parse(process.argv[2] ?? "{}") };
const LIMITS = { "PATCH group": 180, "POST user": 180, "GET group": 300 };
const WINDOW = 60_000;

const hex = (number, digits) => number.toString(16).padStart(digits, "0");
const guichetId = (number) => `00000002-0000-7000-8000-${hex(number, 12)}`;

const users = new Map();
const byExternalId = new Map();
const byUserName = new Map();
const groups = new Map();
const counts = { calls: 0, throttled: 0, refused: 0, addedTwice: 0, removedTwice: 0, members: 0, byKind: {} };
const recent = new Map(Object.keys(LIMITS).map((kind) => [kind, []]));
let patches = 0;

function addUser(user) {
  users.set(user.id, user);
  if (user.externalId !== undefined) byExternalId.set(user.externalId, user);
  byUserName.set(user.userName.toLowerCase(), user);
}

for (let number = 0; number < settings.users; number += 1) {
  const userName = `user${number}@bench.example`;
  addUser({ schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], id: `u${number}`, active: true,
    externalId: guichetId(number), userName, emails: [{ value: userName, primary: true }] });
}
const names = [...Array(settings.groups).keys()].map((number) => `group${number}`).concat(settings.others);
for (const name of names) groups.set(name, { members: new Set(), text: "" });
if (settings.full) {
  for (let number = 0; number < settings.users; number += 1) {
    groups.get(`group${number % settings.groups}`).members.add(`u${number}`);
  }
  for (const group of groups.values()) group.text = null;
  counts.members = settings.users;
}

const member = (id) => `{"value":"${id}"}`;
const cannotBeAdded = (id) => {
  const number = Number((users.get(id)?.userName ?? "").replace(/^user(\d+)@.*$/, "$1"));
  return settings.refuse > 0 && number % settings.refuse === settings.refuse - 1;
};

/** The members as JSON. Adding appends to it, so that reading a large group costs its length and no more. */
function text(group) {
  group.text ??= [...group.members].map(member).join(",");
  return group.text;
}

const error = (status, detail, scimType) => [status, JSON.stringify({
  schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"], status: String(status), detail, scimType })];
const list = (resources, total = resources.length, start = 1) => [200, JSON.stringify({
  schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], totalResults: total, startIndex: start,
  itemsPerPage: resources.length, Resources: resources })];

/** The parts of a filter: `a eq "x"`, joined by `and`; null if it is anything else. */
function parts(filter) {
  const found = filter.split(/ and /i).map((part) => /^\s*([A-Za-z.]+)\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/i.exec(part));
  return found.some((part) => part === null) ? null : new Map(found.map((part) => [part[1].toLowerCase(), JSON.parse(part[2])]));
}

function findUsers(query) {
  const filter = query.get("filter");
  if (filter !== null) {
    const asked = parts(filter);
    if (asked === null || asked.size !== 1) return error(400, "This filter is not known.", "invalidFilter");
    const [[attribute, value]] = asked;
    const found = { externalid: byExternalId, username: byUserName, "emails.value": byUserName, id: users }[attribute];
    if (found === undefined) return error(400, "This filter is not known.", "invalidFilter");
    const user = found.get(attribute === "username" || attribute === "emails.value" ? value.toLowerCase() : value);
    return list(user === undefined ? [] : [user]);
  }
  const start = Math.max(1, Number(query.get("startIndex") ?? 1));
  const count = Math.min(1_000, Number(query.get("count") ?? 100));
  return list([...users.values()].slice(start - 1, start - 1 + count), users.size, start);
}

function createUser(body) {
  if (typeof body.userName !== "string") return error(400, "userName is missing.", "invalidValue");
  if (byUserName.has(body.userName.toLowerCase())) return error(409, "The userName is taken.", "uniqueness");
  const number = /^user(\d+)@bench\.example$/.exec(body.userName)?.[1];
  const user = { ...body, id: number === undefined ? `n${users.size}` : `u${number}` };
  addUser(user);
  return [201, JSON.stringify(user)];
}

function readGroup(id, query) {
  const group = groups.get(id);
  if (group === undefined) return error(404, "There is no such group.");
  const excluded = (query.get("excludedAttributes") ?? "").includes("members");
  const members = excluded ? "" : `,"members":[${text(group)}]`;
  return [200, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":${JSON.stringify(id)},`
    + `"displayName":${JSON.stringify(id)}${members}}`];
}

function findGroups(query) {
  const filter = query.get("filter");
  if (filter === null) return list([...groups.keys()].map((id) => ({ id, displayName: id })));
  const asked = parts(filter);
  if (asked === null) return error(400, "This filter is not known.", "invalidFilter");
  const id = asked.get("id") ?? asked.get("displayname");
  const holder = asked.get("members.value") ?? asked.get("members");
  let found = id === undefined ? [...groups.keys()] : groups.has(id) ? [id] : [];
  if (holder !== undefined) found = found.filter((name) => groups.get(name).members.has(holder));
  return list(found.map((name) => ({ id: name, displayName: name })));
}

/** The ids that an operation adds and removes; null if it is not known. */
function change(operation) {
  const op = String(operation.op).toLowerCase();
  const values = (value) => [value].flat().map((one) => (typeof one === "string" ? one : one?.value));
  if (op === "add") {
    const value = operation.path === undefined ? operation.value?.members : operation.path === "members" ? operation.value : undefined;
    return value === undefined ? null : { add: values(value), remove: [] };
  }
  if (op === "remove" && operation.path === "members" && operation.value !== undefined) {
    return { add: [], remove: values(operation.value) };
  }
  const filtered = op === "remove" && /^members\[value eq ("(?:[^"\\]|\\.)*")\]$/i.exec(operation.path ?? "");
  return filtered ? { add: [], remove: [JSON.parse(filtered[1])] } : null;
}

function patchGroup(id, body) {
  const group = groups.get(id);
  if (group === undefined) return error(404, "There is no such group.");
  const changes = (body.Operations ?? []).map(change);
  if (changes.length === 0 || changes.includes(null)) return error(400, "This operation is not known.", "invalidSyntax");
  for (const { add } of changes) {
    for (const user of add) {
      if (!users.has(user)) return error(400, `There is no user ${user}.`, "invalidValue");
      if (cannotBeAdded(user)) return error(400, `The user ${user} cannot be added.`, "invalidValue");
    }
  }
  patches += 1;
  if (settings.lies > 0 && patches % settings.lies === 0) return [204, ""];
  for (const { add, remove } of changes) {
    for (const user of add) {
      if (group.members.has(user)) {
        counts.addedTwice += 1;
      } else {
        group.members.add(user);
        counts.members += 1;
        if (group.text !== null) group.text += (group.text === "" ? "" : ",") + member(user);
      }
    }
    for (const user of remove) {
      if (group.members.delete(user)) {
        counts.members -= 1;
        group.text = null;
      } else {
        counts.removedTwice += 1;
      }
    }
  }
  return [204, ""];
}

/** How many seconds to wait; 0 if the call is within the limits. */
function throttled(kind) {
  const times = recent.get(kind);
  if (!settings.slack || times === undefined) return 0;
  const now = Date.now();
  while (times.length > 0 && times[0] <= now - WINDOW) times.shift();
  if (times.length >= LIMITS[kind]) return Math.max(1, Math.ceil((times[0] + WINDOW - now) / 1_000));
  times.push(now);
  return 0;
}

function answer(request, url, body) {
  const [, kind, id] = url.pathname.split("/").map(decodeURIComponent);
  const one = { Users: "user", Groups: "group" }[kind] ?? kind;
  const name = `${request.method} ${request.method === "GET" && id === undefined ? `${one}s` : one}`;
  counts.calls += 1;
  counts.byKind[name] = (counts.byKind[name] ?? 0) + 1;
  const wait = throttled(name);
  if (wait > 0) {
    counts.throttled += 1;
    return [...error(429, "Too many requests."), { "Retry-After": String(wait) }];
  }
  switch (name) {
    case "GET users": return findUsers(url.searchParams);
    case "GET user": return users.has(id) ? [200, JSON.stringify(users.get(id))] : error(404, "There is no such user.");
    case "POST user": return createUser(body);
    case "GET groups": return findGroups(url.searchParams);
    case "GET group": return readGroup(id, url.searchParams);
    case "PATCH group": return patchGroup(id, body);
    case "GET ServiceProviderConfigs":
    case "GET ServiceProviderConfig":
      return [200, JSON.stringify({ schemas: ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        patch: { supported: true }, bulk: { supported: false }, filter: { supported: true, maxResults: 1_000 } })];
    default: return error(404, "There is no such endpoint.");
  }
}

function beside(url) {
  const [, what, group] = url.pathname.split("/").map(decodeURIComponent);
  if (what === "__counts") return [200, JSON.stringify(counts)];
  if (what !== "__members") return null;
  if (group !== undefined) return [200, JSON.stringify([...(groups.get(group)?.members ?? [])])];
  return [200, JSON.stringify(Object.fromEntries([...groups].map(([id, { members }]) => [id, [...members]])))];
}

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => {
    const url = new URL(request.url, "http://peer");
    const send = ([status, content, headers]) => {
      const type = content === "" ? {} : { "Content-Type": "application/scim+json" };
      response.writeHead(status, { ...type, ...headers, "Content-Length": Buffer.byteLength(content) });
      response.end(content);
    };
    const aside = beside(url);
    if (aside !== null) return send(aside);
    let result;
    try {
      result = answer(request, url, body === "" ? {} : JSON.parse(body));
    } catch (fault) {
      result = error(400, String(fault), "invalidSyntax");
    }
    if (result[0] >= 400 && result[0] !== 429) counts.refused += 1;
    if (settings.latency > 0) setTimeout(send, settings.latency, result);
    else send(result);
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
