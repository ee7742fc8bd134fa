"""The unmodified Python SDK of the vendor (`oci`) against a server: it signs its requests.

    python run.py CIVITAS    (the program; `oci` is installed)
"""

import base64
import email.utils
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oci
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from oci.identity_domains import models as m

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SCIM = "urn:ietf:params:scim:api:messages:2.0:"
IDCS = "urn:ietf:params:scim:schemas:oracle:idcs:"
START_SECONDS = 20


class Service:
    """A server with one client that signs its requests."""

    def __init__(self, civitas: pathlib.Path, folder: pathlib.Path):
        self.civitas, self.folder = civitas, folder
        self.key = new_key()
        (folder / "key.pem").write_bytes(private(self.key))
        (folder / "public.pem").write_text(public(self.key))
        self.said("tenant", "create", "default")
        role = ("--role", "administer")
        told = self.said("client", "create", "signer", *role, "--public-key", folder / "public.pem")
        self.fingerprint = told.split("fingerprint of its key: ")[1].strip()
        told = self.said("client", "create", "bearer", *role)
        self.secret = told.split("secret (shown once): ")[1].strip()

    def said(self, *words) -> str:
        command = [self.civitas, *words, "--data", self.folder / "data"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def start(self) -> None:
        ready = self.folder / "ready.json"
        command = [self.civitas, "serve", "--dev", "--listen", "127.0.0.1:0"]
        command += ["--data", self.folder / "data", "--ready-file", ready]
        quiet = {**os.environ, "CIVITAS_LOG": "warn"}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=quiet)
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, "it did not start"
            time.sleep(0.01)
        self.base = json.loads(ready.read_text())["base_url"].rstrip("/")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def client(self, **other):
        config = {
            "user": "ocid1.user.oc1..signer",
            "tenancy": "ocid1.tenancy.oc1..default",
            "fingerprint": self.fingerprint,
            "key_file": str(self.folder / "key.pem"),
            "region": "us-ashburn-1",
        }
        signer = {"signer": other.pop("signer")} if "signer" in other else {}
        return oci.identity_domains.IdentityDomainsClient(
            {**config, **other},
            service_endpoint=self.base,
            circuit_breaker_strategy=oci.circuit_breaker.NoCircuitBreakerStrategy(),
            **signer,
        )

    def token(self) -> str:
        request = urllib.request.Request(
            f"{self.base}/oauth2/v1/token",
            b"grant_type=client_credentials&scope=urn%3Aopc%3Aidm%3A__myscopes__",
        )
        basic = base64.b64encode(f"bearer:{self.secret}".encode()).decode()
        request.add_header("authorization", f"Basic {basic}")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["access_token"]


class Bearer(oci._vendor.requests.auth.AuthBase):
    """Requests that carry a token in place of a signature."""

    def __init__(self, token: str):
        self.token = token

    def __call__(self, request):
        request.headers["authorization"] = f"Bearer {self.token}"
        return request


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(key) -> str:
    text = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return text.decode()


def private(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def refused(status: int, call, *arguments, **named):
    """The error of a call that is refused with the status."""
    try:
        answer = call(*arguments, **named)
    except oci.exceptions.ServiceError as error:
        assert error.status == status, error
        return error
    raise AssertionError(f"{call.__name__}: {answer.status} in place of {status}")


def person(name: str, **other):
    return m.User(
        schemas=[USER],
        user_name=name,
        name=m.UserName(family_name="Lind", given_name="Mara"),
        emails=[m.UserEmails(value=f"{name}@civitas.test", type="work", primary=True)],
        **other,
    )


def group(name: str, *members: str):
    members = [m.GroupMembers(value=it, type="User") for it in members]
    return m.Group(schemas=[GROUP], display_name=name, members=members or None)


def patch(op: str, path: str, value):
    operation = m.Operations(op=op, path=path, value=value)
    return m.PatchOp(schemas=[f"{SCIM}PatchOp"], operations=[operation])


def users(client) -> None:
    created = client.create_user(user=person("mara"))
    user = created.data
    assert created.status == 201 and user.id
    assert created.headers["etag"] == user.meta.version
    assert created.headers["location"] == user.meta.location

    read = client.get_user(user.id)
    assert (read.status, read.data.user_name) == (200, "mara")

    listed = client.list_users(
        filter='userName eq "mara"',
        sort_by="userName",
        sort_order="ASCENDING",
        start_index=1,
        count=10,
    ).data
    assert (listed.total_results, listed.items_per_page) == (1, 10)
    assert [it.id for it in listed.resources] == [user.id]

    request = m.UserSearchRequest(
        schemas=[f"{SCIM}SearchRequest"], filter='userName sw "mar"', attributes=["userName"]
    )
    found = client.search_users(user_search_request=request)
    assert found.status == 200 and found.data.resources[0].user_name == "mara"

    change = patch("REPLACE", "displayName", "Z")
    patched = client.patch_user(user.id, patch_op=change, if_match=user.meta.version)
    assert patched.data.display_name == "Z"
    assert patched.headers["etag"] == patched.data.meta.version
    again = patch("REPLACE", "displayName", "Y")
    refused(412, client.patch_user, user.id, patch_op=again, if_match=user.meta.version)

    replaced = client.put_user(user.id, user=person("mara", title="Engineer"))
    assert (replaced.status, replaced.data.title) == (200, "Engineer")


def groups(client) -> None:
    user = client.create_user(user=person("ivo")).data
    created = client.create_group(group=group("Couriers")).data
    refused(409, client.create_group, group=group("couriers"))
    member = [{"value": user.id, "type": "User"}]
    client.patch_group(created.id, patch_op=patch("ADD", "members", member))
    assert client.get_group(created.id).data.members is None
    shown = client.get_group(created.id, attributes="members").data
    assert [it.value for it in shown.members] == [user.id]
    everything = client.get_user(user.id, attribute_sets=["all"]).data
    assert [it.value for it in everything.groups] == [created.id]


def lost_answer(service: Service) -> None:
    """The SDK asks again with the token of the first try, and gets its answer."""
    client = service.client()
    once = ("--method", "POST", "--path", "/admin/v1/Groups", "--to", "1")
    service.said("rehearse", "after; close", *once)
    again = oci.retry.DEFAULT_RETRY_STRATEGY
    created = client.create_group(group=group("Riders"), retry_strategy=again)
    assert created.status == 201
    found = client.list_groups(filter='displayName eq "Riders"').data
    assert [it.id for it in found.resources] == [created.data.id]
    service.said("rehearse", "--clear")


def pages(client) -> None:
    for number in range(7):
        client.create_user(user=person(f"page{number}"))
    walk = oci.pagination.list_call_get_all_results_generator(
        client.list_users, "response", filter='userName sw "page"', limit=3
    )
    read = [[it.id for it in page.data.resources] for page in walk]
    assert [len(page) for page in read] == [3, 3, 1]
    assert len({it for page in read for it in page}) == 7


def schemas(client) -> None:
    assert client.list_schemas().status == 200
    assert client.get_schema(USER).status == 200
    custom = "urn:ietf:params:scim:schemas:idcs:extension:custom:User"
    assert client.get_schema(custom).data.name == "CustomUser"
    badge = {"name": "badge", "idcsDisplayName": "Badge", "type": "string", "idcsMaxLength": 40}
    changed = client.patch_schema(custom, patch_op=patch("ADD", "attributes", [badge]))
    assert changed.status == 200
    assert "badge" in [it.name for it in client.get_schema(custom).data.attributes]
    refused(405, client.list_resource_type_schema_attributes)
    rows = client.list_resource_type_schema_attributes(filter='resourceType eq "User"')
    assert rows.status == 200 and rows.data.resources


def operations(client) -> None:
    user = client.create_user(user=person("operated")).data

    def done(what: str, **members) -> None:
        name = "".join(word.capitalize() for word in what.split("_"))
        body = {"schemas": [f"{IDCS}{name}"], **members}
        call = getattr(client, f"put_{what}")
        answer = call(user.id, **{what: getattr(m, name)(**body)})
        assert answer.status == 200 and answer.headers["etag"], name

    done("user_password_changer", password="Blue-Kettle-7")
    done("user_password_resetter", bypass_notification=True)
    done("user_status_changer", active=False)
    assert client.get_user(user.id).data.active is False
    done("user_capabilities_changer", can_use_api_keys=False)


def policies(client) -> None:
    policy = client.get_password_policy("PasswordPolicy").data
    assert policy.id == "PasswordPolicy" and policy.min_length
    assert client.list_password_policies(count=5).data.total_results == 1
    refused(403, client.delete_password_policy, "PasswordPolicy")


def deletion(client) -> None:
    user = client.create_user(user=person("gone")).data
    assert client.delete_user(user.id, force_delete=True).status == 204
    refused(404, client.get_user, user.id)


def credentials(client) -> None:
    user = client.create_user(user=person("keeper")).data
    of = m.ApiKeyUser(value=user.id)

    def made():
        key = m.ApiKey(schemas=[f"{IDCS}apikey"], key=public(new_key()), user=of)
        return client.create_api_key(api_key=key)

    for _ in range(3):
        created = made()
        assert created.status == 201 and len(created.data.fingerprint) == 47
        assert client.get_api_key(created.data.id).data.user.value == user.id
    assert "maximum quota limit of 3" in str(refused(400, made))
    listed = client.list_api_keys(filter=f'user.value eq "{user.id}"').data
    assert listed.total_results == 3
    assert client.delete_api_key(created.data.id).status == 204

    token = m.AuthToken(
        schemas=[f"{IDCS}authToken"], description="d", user=m.AuthTokenUser(value=user.id)
    )
    created = client.create_auth_token(auth_token=token)
    assert created.status == 201 and created.data.token
    assert client.get_auth_token(created.data.id).data.token is None
    too_long = m.CustomerSecretKeyUser(value=user.ocid)
    key = m.CustomerSecretKey(schemas=[f"{IDCS}customerSecretKey"], user=too_long)
    refused(400, client.create_customer_secret_key, customer_secret_key=key)
    key.user = m.CustomerSecretKeyUser(ocid=user.ocid)
    created = client.create_customer_secret_key(customer_secret_key=key)
    assert created.data.access_key and created.data.secret_key


def signed_by_a_user(service: Service, client) -> None:
    """A key of a user signs requests as soon as it is made, and as long as it is there."""
    user = client.create_user(user=person("signing")).data
    changer = m.UserPasswordChanger(
        schemas=[f"{IDCS}UserPasswordChanger"], password="Blue-Kettle-7"
    )
    client.put_user_password_changer(user.id, user_password_changer=changer)
    key = new_key()
    new = m.ApiKey(
        schemas=[f"{IDCS}apikey"], key=public(key), user=m.ApiKeyUser(ocid=user.ocid)
    )
    made = client.create_api_key(api_key=new).data
    content = {"key_file": None, "key_content": private(key).decode()}
    own = service.client(user=user.ocid, fingerprint=made.fingerprint, **content)
    assert own.get_me().data.id == user.id
    refused(403, own.list_users)
    assert [it.id for it in own.list_my_api_keys().data.resources] == [made.id]
    changer = m.MePasswordChanger(
        schemas=[f"{IDCS}MePasswordChanger"], old_password="Blue-Kettle-7", password="Red-Kettle-8"
    )
    assert own.put_me_password_changer(me_password_changer=changer).status == 200
    refused(400, own.put_me_password_changer, me_password_changer=changer)

    for name, off, on in (
        ("UserCapabilitiesChanger", {"can_use_api_keys": False}, {"can_use_api_keys": True}),
        ("UserStatusChanger", {"active": False}, {"active": True}),
    ):
        what = "user_status_changer" if "Status" in name else "user_capabilities_changer"
        for members, works in ((off, False), (on, True)):
            body = getattr(m, name)(schemas=[f"{IDCS}{name}"], **members)
            getattr(client, f"put_{what}")(user.id, **{what: body})
            if works:
                assert own.get_me().status == 200
            else:
                refused(401, own.get_me)
    assert own.delete_my_api_key(made.id).status == 204
    refused(401, own.get_me)


def signatures(service: Service) -> None:
    content = private(new_key()).decode()
    wrong = {"key_file": None, "key_content": content}
    refused(401, service.client(**wrong).list_users)
    refused(401, service.client(fingerprint=":".join(["00"] * 16)).list_users)
    refused(401, service.client(user="ocid1.user.oc1..nobody").list_users)
    refused(401, service.client(tenancy="ocid1.tenancy.oc1..other").list_users)
    # What was signed ten minutes ago is refused.
    present = email.utils.formatdate
    email.utils.formatdate = lambda *_, **named: present(time.time() - 600, **named)
    try:
        refused(401, service.client().list_users)
    finally:
        email.utils.formatdate = present
    assert service.client().list_users().status == 200


def main() -> None:
    civitas = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="civitas-oci-") as folder:
        service = Service(civitas, pathlib.Path(folder))
        service.start()
        try:
            for client in (service.client(), service.client(signer=Bearer(service.token()))):
                users(client)
                groups(client)
                pages(client)
                schemas(client)
                operations(client)
                policies(client)
                credentials(client)
                signed_by_a_user(service, client)
                deletion(client)
                emptied(client)
            lost_answer(service)
            signatures(service)
        finally:
            service.stop()
    print("oci: all steps passed")


def emptied(client) -> None:
    """Takes all users and groups away again."""
    for page in (client.list_users(count=1000), client.list_groups(count=1000)):
        for it in page.data.resources:
            delete = client.delete_user if hasattr(it, "user_name") else client.delete_group
            delete(it.id, force_delete=True)


main()
