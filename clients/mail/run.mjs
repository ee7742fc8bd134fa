// Mails over a real server of mail, and the pages that they lead to in a real browser: who is
// invited registers, sets up one-time codes, and logs on.
//
//   node run.mjs CIVITAS MODULES PYTHON PICTURES
//
// (the program; the folder with playwright-core; a Python with aiosmtpd; where pictures of the
// pages are kept)

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const [civitas, modules, python, pictures] = process.argv.slice(2).map((it) => resolve(it));
const { chromium } = createRequire(join(modules, "package.json"))("playwright-core");
const here = import.meta.dirname;
const WAIT_MS = 90_000;
const PASSWORD = "Blue7Kettle";
const CHROMIUM = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const folder = mkdtempSync(join(tmpdir(), "civitas-mail-"));
mkdirSync(pictures, { recursive: true });
const log = [];
let server;
let post;

try {
  await run();
  console.log("mail: all steps passed");
} finally {
  server?.kill();
  post?.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function run() {
  const [port, mailPort] = [await freePort(), await freePort()];
  certificate();
  writeFileSync(join(folder, "password"), "mail-secret\n");
  writeFileSync(join(folder, "civitas.toml"), configuration(port, mailPort));
  said("tenant", "create", "default");
  const told = said("client", "create", "shop", "--application", "Shop", "--home", "https://shop.example/");
  const secret = told.split("secret (shown once): ")[1].trim();
  const base = `http://127.0.0.1:${port}`;
  const shop = "Basic " + Buffer.from(`shop:${secret}`).toString("base64");
  const checked = spawnSync(civitas, ["check", "--config", join(folder, "civitas.toml")], { encoding: "utf8" });
  assert.match(checked.stdout, /sending mail by localhost:/, checked.stderr);

  // With the server of mail down, and the process killed meanwhile, nothing is lost.
  await start(base);
  const invite = (email, more = {}) =>
    answered(`${base}/cps/invite/`, shop, { inviteeEmail: email, inviterName: "Ada Quill", ...more });
  assert.equal((await invite("down@example.org")).status, 200);
  assert.equal((await invite("down@example.org")).status, 200);
  await pause(1_500);
  await kill();
  await start(base);
  await startPost(mailPort);
  const late = await arrived((it) => it.to[0] === "down@example.org", 2);
  const links = new Set(late.map(linkOf));
  assert.equal(links.size, 2, "two mails were written, each with a token of its own");
  const good = [];
  for (const link of links) {
    const opened = await fetch(link);
    assert.ok([200, 410].includes(opened.status), `${opened.status}`);
    if (opened.status === 200) good.push(link);
  }
  assert.equal(good.length, 1, "of two tokens for one purpose one is good");

  // Killed after the mail was taken and before that was known, it is sent once more: the same.
  writeFileSync(join(folder, "slow"), "");
  assert.equal((await invite("twice@example.org")).status, 200);
  await arrived((it) => it.to[0] === "twice@example.org", 1);
  await kill();
  rmSync(join(folder, "slow"));
  await start(base);
  const twice = await arrived((it) => it.to[0] === "twice@example.org", 2);
  assert.equal(new Set(twice.map((it) => it.id)).size, 1, "one Message-ID");
  assert.equal(new Set(twice.map(linkOf)).size, 1, "one token");
  await pause(3_000);
  assert.equal(mails().filter((it) => it.to[0] === "twice@example.org").length, 2, "and no more");

  // From the mail to the browser.
  const person = { inviteeFirstName: "Eve", inviteeLastName: "Fern", language: "de", headerText: "Ihr Team" };
  assert.equal((await invite("eve@example.org", person)).status, 200);
  const [mail] = await arrived((it) => it.to[0] === "eve@example.org", 1);
  assert.equal(mail.from, "Civitas <no-reply@id.example>");
  assert.equal(mail.subject, "Ada Quill lädt Sie zu Shop ein");
  assert.match(mail.text, /Ihr Team/);
  await browse(mail, base);

  const forgotten = await answered(`${base}/service/users/forgotPassword`, shop, { identifier: "eve@example.org" });
  assert.equal(forgotten.status, 200);
  const [reset] = await arrived((it) => it.to[0] === "eve@example.org" && it.subject.includes("Kennwort"), 1);
  await resetPassword(reset, base);

  for (const link of mails().map(linkOf)) {
    const secretPart = new URL(link).searchParams.get("token").split(".")[1];
    assert.ok(!log.join("").includes(secretPart), "a token is in the log");
  }
  assert.ok(!log.join("").includes("mail-secret"), "the password is in the log");
}

async function browse(mail, base) {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: CHROMIUM });
  try {
    const page = await browser.newPage({ viewport: { width: 800, height: 900 }, locale: "de-DE", javaScriptEnabled: false });
    const letter = join(folder, "mail.html");
    writeFileSync(letter, mail.html);
    await page.goto(`file://${letter}`);
    await picture(page, "1-mail");
    await page.click("a");
    assert.equal(await page.getAttribute("html", "lang"), "de");
    await picture(page, "2-invitation");

    // What is wrong is said at the top, with a way to it.
    await page.fill("#last_name", "");
    await page.fill("#password", "kurz");
    await page.fill("#repeat", "kurz");
    await page.press("#repeat", "Enter");
    assert.equal(await page.locator("[role=alert] li").count(), 2);
    assert.equal(await page.getAttribute("#password", "aria-invalid"), "true");
    await picture(page, "3-mistakes");
    await page.click('[role=alert] a[href="#password"]');
    await labelled(page);

    await page.fill("#last_name", "Fern");
    await page.fill("#password", PASSWORD);
    await page.fill("#repeat", PASSWORD);
    await page.click("button");
    assert.match(await page.innerText("[role=status]"), /Willkommen bei Shop/);
    assert.equal(await page.getAttribute("#target", "href"), "https://shop.example/");
    await picture(page, "4-registered");
    assert.equal((await logOn(base, PASSWORD)).status, 200);

    await page.click("#device");
    await picture(page, "5-device");
    await labelled(page);
    const key = (await page.innerText("#key")).replaceAll(" ", "");
    await page.fill("#code", "000000" === code(key) ? "000001" : "000000");
    await page.click("button");
    assert.equal(await page.locator("[role=alert] li").count(), 1);
    assert.equal((await page.innerText("#key")).replaceAll(" ", ""), key, "the key stays");
    const enrolled = code(key);
    await page.fill("#code", enrolled);
    await page.click("button");
    assert.match(await page.innerText("[role=status]"), /Einmalcodes sind eingeschaltet/);
    await picture(page, "6-enrolled");

    assert.equal((await logOn(base, PASSWORD)).code, "INVALID_AUTHORIZATION_HEADER_LENGTH");
    assert.equal((await logOn(base, PASSWORD + enrolled)).code, "INVALID_OTP_CODE", "it was used");
    let fresh = code(key);
    while (fresh === enrolled) {
      await pause(500);
      fresh = code(key);
    }
    assert.equal((await logOn(base, PASSWORD + fresh)).status, 200);

    await page.goto(linkOf(mail));
    await picture(page, "7-spent");
    assert.match(await page.innerText("h1"), /gilt nicht mehr/);
  } finally {
    await browser.close();
  }
}

async function resetPassword(mail, base) {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: CHROMIUM });
  try {
    const page = await browser.newPage({ viewport: { width: 800, height: 900 }, colorScheme: "dark" });
    await page.goto(linkOf(mail));
    await picture(page, "8-reset");
    await labelled(page);
    await page.fill("#new_password", "Green8Kettle");
    await page.fill("#repeat", "Green8Kettle");
    await page.click("button");
    assert.match(await page.innerText("[role=status]"), /wurde geändert/);
    assert.equal(await page.locator("#device").count(), 0, "there is a device already");
    assert.equal((await logOn(base, PASSWORD)).code, null, "the old one is wrong");
    assert.equal((await logOn(base, "Green8Kettle")).code, "INVALID_AUTHORIZATION_HEADER_LENGTH");
  } finally {
    await browser.close();
  }
}

/** Whatever is to be filled in has a label, and all is reached by the keyboard in its order. */
async function labelled(page) {
  for (const input of await page.locator("input:not([type=hidden])").all()) {
    const id = await input.getAttribute("id");
    assert.equal(await page.locator(`label[for="${id}"]`).count(), 1, id);
  }
  const order = await page.locator("a, button, input:not([type=hidden])").evaluateAll((all) => all.map((it) => it.tabIndex));
  assert.ok(order.every((it) => it === 0), `${order}`);
}

async function picture(page, name) {
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

async function logOn(base, password) {
  const shown = Buffer.from(`eve@example.org:${password}`).toString("base64");
  const answer = await fetch(`${base}/service/users/password`, {
    method: "POST",
    headers: { authorization: `Basic ${shown}`, "content-type": "application/json" },
  });
  return { status: answer.status, code: answer.headers.get("x-message-code") };
}

/** RFC 6238 with HMAC-SHA-1, 30 seconds, six digits. */
function code(key) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key].map((it) => letters.indexOf(it).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((it) => Number.parseInt(it, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const tag = createHmac("sha1", secret).update(counter).digest();
  const offset = tag[19] & 15;
  return String((tag.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

function configuration(port, mailPort) {
  return `
[server]
listen = "127.0.0.1:${port}"
[store]
url = "sqlite:data"
[log]
level = "info"
format = "text"
[mail]
host = "localhost"
port = ${mailPort}
security = "starttls"
authorities = "cert.pem"
user = "civitas"
password_file = "password"
from = "Civitas <no-reply@id.example>"
`;
}

function certificate() {
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  words.push("-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE");
  words.push("-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem"));
  const made = spawnSync("openssl", words, { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
}

function said(...words) {
  const done = spawnSync(civitas, [...words, "--data", join(folder, "data")], { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout;
}

async function start(base) {
  server = spawn(civitas, ["serve", "--config", join(folder, "civitas.toml")], { stdio: ["ignore", "ignore", "pipe"] });
  server.stderr.on("data", (it) => log.push(String(it)));
  await until("the server did not start", async () => {
    assert.equal(server.exitCode, null, log.join(""));
    return (await fetch(`${base}/health/ready`).catch(() => null))?.ok;
  });
}

async function kill() {
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGKILL");
  await ended;
}

async function startPost(port) {
  post = spawn(python, [join(here, "smtp.py"), folder, `${port}`], { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise((resolve) => post.stdout.once("data", resolve));
}

function mails() {
  const file = join(folder, "mails.jsonl");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").filter(Boolean).map((it) => JSON.parse(it));
}

async function arrived(is, count) {
  await until(`${count} mails did not arrive`, async () => mails().filter(is).length >= count);
  return mails().filter(is);
}

function linkOf(mail) {
  return mail.text.match(/http:\S+\/ids\/\S+/)[0];
}

async function answered(url, authorization, body) {
  return fetch(url, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function until(what, is) {
  const deadline = Date.now() + WAIT_MS;
  while (!(await is())) {
    assert.ok(Date.now() < deadline, `${what}\n${log.join("")}`);
    await pause(50);
  }
}

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
