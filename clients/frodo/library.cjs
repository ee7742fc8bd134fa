// An unmodified frodo-lib, as programs use it: the life of a user. Run by run.mjs, which sets the
// variables of the environment.
//
//   node library.cjs MODULES    (the folder in which npm installed frodo)

const assert = require("node:assert/strict");
const { join, resolve } = require("node:path");

const modules = resolve(process.argv[2]);
const { frodo } = require(join(modules, "node_modules", "@rockcarver", "frodo-lib"));
const { FRODO_HOST, FRODO_SA_ID, FRODO_SA_JWK } = process.env;

run().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

async function run() {
  const connected = frodo.createInstanceWithServiceAccount(FRODO_HOST, FRODO_SA_ID, FRODO_SA_JWK);
  await connected.login.getTokens();
  const users = connected.idm.managed;
  const type = "alpha_user";
  const name = "library";
  const user = { userName: name, givenName: name, sn: name, mail: `${name}@example.org` };

  const { _id: id, _rev: first } = await users.createManagedObject(type, user);
  assert.equal((await users.readManagedObject(type, id, ["*"])).mail, user.mail);
  assert.equal(await users.resolveUserName(type, id), name);
  const named = await users.queryManagedObjects(type, `userName eq "${name}"`, ["_id"]);
  assert.deepEqual(named.map((it) => it._id), [id]);

  const moved = [{ operation: "replace", field: "/city", value: "Bern" }];
  const patched = await users.updateManagedObjectProperties(type, id, moved, first);
  assert.equal(patched.city, "Bern");
  const again = [{ operation: "replace", field: "/city", value: "Basel" }];
  await refused(412, () => users.updateManagedObjectProperties(type, id, again, first));

  const { _id, city } = await users.updateManagedObject(type, id, { ...user, _id: id });
  assert.deepEqual([_id, city], [id, null]);
  await users.deleteManagedObject(type, id);
  await refused(404, () => users.deleteManagedObject(type, id));

  const chosen = "0f2c6a0e-2c57-4b6e-9a2b-6f1d2f0f8f11";
  assert.equal((await users.createManagedObject(type, user, chosen))._id, chosen);
  assert.equal(await users.deleteManagedObjects(type, `userName eq "${name}"`), 1);
}

/// Holds that the server refuses it, with this status.
async function refused(status, act) {
  try {
    await act();
  } catch (error) {
    const answers = [error, error.originalErrors ?? []].flat().map((it) => it.response?.status);
    const told = answers.includes(status) || error.httpStatus === status;
    assert.ok(told, `${status}, not ${answers}: ${error}`);
    return;
  }
  assert.fail(`it is refused with ${status}`);
}
