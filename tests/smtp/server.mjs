// An SMTP server made of `smtp-server`, which reads what it gets by `postal-mime`, for the tests of mail.
//
//   node server.mjs [user password]
//
// Prints {"smtp": …, "control": …} as its first line and ends when its standard input closes. With a user it
// offers STARTTLS, by the certificate beside it, and wants a login, which it takes over TLS only. Only the answers
// to order are ours: below the control port a test reads the mails, and says what the next receivers are answered.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

const [user, password] = process.argv.slice(2);
const beside = (name) => readFileSync(new URL(name, import.meta.url));

const mails = [];
const attempts = [];
let answers = [];

function refusal({ code, text }) {
    const error = new Error(text);
    error.responseCode = code;
    return error;
}

const smtp = new SMTPServer({
    banner: "of the tests",
    logger: false,
    key: beside("key.pem"),
    cert: beside("certificate.pem"),
    hideSTARTTLS: !user,
    authOptional: !user,
    disabledCommands: user ? [] : ["AUTH", "STARTTLS"],
    onAuth(given, _session, callback) {
        if (given.username === user && given.password === password) return callback(null, { user });
        return callback(refusal({ code: 535, text: "5.7.8 Authentication credentials invalid" }));
    },
    onRcptTo(_address, _session, callback) {
        callback(null);
    },
    onData(stream, session, callback) {
        const parts = [];
        stream.on("data", (part) => parts.push(part));
        stream.on("end", async () => {
            const raw = Buffer.concat(parts);
            const mail = await PostalMime.parse(raw);
            const seen = {
                to: session.envelope.rcptTo.map(({ address }) => address),
                sender: session.envelope.mailFrom.address,
                secure: session.secure,
                user: session.user ?? null,
                messageId: mail.messageId,
                subject: mail.subject,
                date: mail.date,
                from: mail.from,
                receivers: mail.to,
                text: mail.text,
                html: mail.html,
                headers: mail.headers,
                raw: raw.toString("latin1"),
            };
            attempts.push(seen);
            const answer = answers.shift();
            if (answer) return callback(refusal(answer));
            mails.push(seen);
            return callback(null, "taken");
        });
    },
});
smtp.on("error", () => {}); // a client that does not trust the certificate

const control = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
        const lists = { "/mails": mails, "/attempts": attempts };
        if (request.method === "POST" && request.url === "/answers") answers = JSON.parse(Buffer.concat(parts));
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(lists[request.url] ?? null));
    });
});

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", done));
await Promise.all([listen(smtp), listen(control)]);
console.log(JSON.stringify({ smtp: smtp.server.address().port, control: control.address().port }));

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
