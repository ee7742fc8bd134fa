// An unmodified frodo-cli against a server in development mode over HTTPS: it signs in with a
// service account and does what its users do with managed objects.
//
//   node run.mjs CIVITAS MODULES    (the program, and the folder in which npm installed frodo)

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const [civitas, modules] = process.argv.slice(2).map((it) => resolve(it));
const START_MS = 20_000;
const COMMAND_MS = 120_000;
const USERS = 1_001;
const SCOPES = ["fr:am:*", "fr:idm:*", "fr:idc:esv:*", "fr:iga:*"];

const folder = mkdtempSync(join(tmpdir(), "civitas-frodo-"));
const data = join(folder, "data");
const ready = join(data, "ready.json");
const server = spawn(
  civitas,
  ["serve", "--dev", "--https", "--listen", "127.0.0.1:0", "--data", data],
  { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, CIVITAS_LOG: "warn" } },
);

try {
  await started();
  await run(JSON.parse(readFileSync(ready, "utf8")));
  console.log("frodo: all steps passed");
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function started() {
  const deadline = Date.now() + START_MS;
  while (!existsSync(ready)) {
    assert.ok(server.exitCode === null && Date.now() < deadline, "the server did not start");
    await pause(10);
  }
}

async function run(told) {
  const ask = asking(told);
  const account = await made(ask, SCOPES);
  const frodo = (as, ...words) => command(told, as, words);
  const good = (...words) => {
    const { status, text } = frodo(account, ...words);
    assert.equal(status, 0, `frodo ${words.join(" ")}: ${text}`);
    return text;
  };

  for (const id of ["access", "authentication"]) {
    await ask("PUT", `/openidm/config/${id}`, { kept: id }, 201);
  }
  const connected = good("info");
  assert.match(connected, /a service account/);
  assert.match(connected, /\d+\.\d+\.\d+/);
  const ids = good("idm", "list");
  for (const id of ["access", "authentication", "managed", "sync"]) {
    assert.match(ids, new RegExp(`^${id}$`, "m"));
  }

  const count = (number) =>
    assert.match(good("idm", "count", "-o", "alpha_user"), new RegExp(`alpha_user: ${number}\\b`));
  count(0);
  // More than a page of the client.
  for (let number = 0; number < USERS; number++) {
    const name = `user${number}`;
    const user = { userName: name, givenName: name, sn: name, mail: `${name}@example.org` };
    await ask("POST", "/openidm/managed/alpha_user?_action=create", user, 201);
  }
  count(USERS);

  good("idm", "export", "-i", "managed");
  const before = readFileSync(join(folder, "managed.idm.json"), "utf8");
  good("idm", "import", "-i", "managed", "-f", "managed.idm.json");
  good("idm", "export", "-i", "managed");
  const objects = (text) => JSON.parse(text).idm.managed.objects;
  const after = readFileSync(join(folder, "managed.idm.json"), "utf8");
  assert.deepEqual(objects(after), objects(before));
  assert.ok(objects(after).some((it) => it.name === "alpha_user"));
  mkdirSync(join(folder, "all"));
  good("idm", "export", "-A", "-D", "all");
  assert.ok(readdirSync(join(folder, "all")).length > 0);
  good("idm", "import", "-A", "-D", "all");
  good("idm", "delete", "-i", "access");
  await ask("GET", "/openidm/config/access", undefined, 404);
  assert.doesNotMatch(good("idm", "list"), /^access$/m);
  // What was exported brings it back.
  good("idm", "import", "-A", "-D", "all");
  assert.equal((await ask("GET", "/openidm/config/access")).kept, "access");
  good("idm", "schema", "object", "export", "-i", "alpha_user");

  const roles = good("role", "list", "-l");
  for (const name of ["openidm-admin", "openidm-authorized", "platform-provisioning"]) {
    assert.match(roles, new RegExp(name));
  }
  assert.match(good("role", "list"), /openidm-reg/);

  const kind = ["--variable-type", "string", "--description", "d"];
  good("esv", "variable", "create", "-i", "esv-a", "--value", "x", ...kind);
  assert.match(good("esv", "variable", "list"), /esv-a/);
  assert.match(good("esv", "variable", "describe", "-i", "esv-a"), /esv-a/);
  good("esv", "secret", "create", "-i", "esv-b", "--value", "topsecret", "--description", "d");
  assert.match(good("esv", "secret", "list"), /esv-b/);
  const described = good("esv", "secret", "describe", "-i", "esv-b");
  assert.doesNotMatch(described, /topsecret|dG9wc2VjcmV0/);
  assert.match(good("esv", "secret", "version", "list", "-i", "esv-b"), /ENABLED|active/i);
  good("esv", "apply", "-y");
  const variable = await ask("GET", "/environment/variables/esv-a");
  assert.equal(variable.loaded, true);
  good("esv", "variable", "delete", "-i", "esv-a");
  good("esv", "secret", "delete", "-i", "esv-b");
  const left = await ask("GET", "/environment/count");
  assert.deepEqual(left, { secrets: 0, variables: 0 });

  // The client asks for more than an account has, is told, and asks again.
  const narrow = await made(ask, ["fr:am:*", "fr:idm:*"]);
  const narrowed = frodo(narrow, "idm", "list");
  assert.equal(narrowed.status, 0, narrowed.text);
  const outside = await made(ask, ["fr:am:*"]);
  const refused = frodo(outside, "idm", "list");
  assert.notEqual(refused.status, 0, refused.text);
  assert.match(refused.text, /403|denied/i);
  const stranger = { ...account, key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey };
  const unknown = frodo(stranger, "info");
  assert.notEqual(unknown.status, 0, unknown.text);
  assert.match(unknown.text, /access token/i);

  const script = join(import.meta.dirname, "library.cjs");
  const library = ran(told, account, process.execPath, [script, modules]);
  assert.equal(library.status, 0, library.text);
}

/// A new service account: its id and its key.
async function made(ask, scopes) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwks = JSON.stringify({ keys: [publicKey.export({ format: "jwk" })] });
  const body = { name: "a service account", jwks, scopes };
  const { _id: id } = await ask("POST", "/openidm/managed/svcacct?_action=create", body, 201);
  return { id, key: privateKey };
}

/// Exit code and output of a command of the client.
function command(told, account, words) {
  return ran(told, account, join(modules, "node_modules", ".bin", "frodo"), words);
}

/// Exit code and output of a program that signs in as an account.
function ran(told, account, program, words) {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    NODE_EXTRA_CA_CERTS: told.certificate,
    FRODO_HOST: `${told.base_url}/am`,
    FRODO_SA_ID: account.id,
    FRODO_SA_JWK: JSON.stringify(account.key.export({ format: "jwk" })),
    FRODO_NO_CACHE: "1",
  };
  const options = { cwd: folder, env, encoding: "utf8", timeout: COMMAND_MS };
  const { status, stdout, stderr } = spawnSync(program, words, options);
  return { status, text: `${stdout}${stderr}` };
}

/// Asks the server as its administrator.
function asking(told) {
  const ca = readFileSync(told.certificate);
  const agent = new https.Agent({ ca, keepAlive: true });
  const auth = `${told.client_id}:${told.client_secret}`;
  return (method, path, body, expected = 200) =>
    new Promise((answered, failed) => {
      const headers = { "Content-Type": "application/json" };
      const options = { method, agent, auth, headers };
      const request = https.request(`${told.base_url}${path}`, options, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part) => (text += part));
        answer.on("end", () => {
          if (answer.statusCode === expected) answered(JSON.parse(text));
          else failed(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
        });
      });
      request.on("error", failed);
      request.end(body && JSON.stringify(body));
    });
}
