"""Takes a real SCIM client, scim2-client over httpx2, through what goes wrong in production:
429, 503 with Retry-After, a lost 201, a 412 race, and an expired token.

    pip install kit/python "scim2-client[httpx2]"
    CIVITAS_BIN=target/debug/civitas python kit/python/examples/client.py
"""

import time

import httpx2
from scim2_client import RequestNetworkException
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import SCIMException, SearchRequest

from civitas_kit import Civitas

MOST_ATTEMPTS = 4


class Provisioner:
    """What an integrator writes around a SCIM client, and wants to have tested."""

    def __init__(self, server: Civitas):
        self.server = server
        self.http = httpx2.Client(base_url=server.scim_url, trust_env=False)
        self.renew()
        self.scim = SyncSCIMClient(self.http)
        self.scim.discover()
        self.user = self.scim.get_resource_model("User")

    def renew(self) -> None:
        self.http.headers["Authorization"] = "Bearer " + self.server.token()

    def patiently(self, call):
        """Calls again after 429 and 503, as long as Retry-After says; renews a token once."""
        for attempt in range(MOST_ATTEMPTS):
            waits = []
            self.http.event_hooks["response"] = [
                lambda answer: waits.append((answer.status_code, answer.headers.get("Retry-After")))]
            try:
                return call()
            except SCIMException as refused:
                status, after = waits[-1]
                if attempt + 1 == MOST_ATTEMPTS or status not in (401, 429, 503):
                    raise
                print(f"  {status}, Retry-After {after}: again ({refused})")
                if status == 401:
                    self.renew()
                else:
                    time.sleep(float(after or 1))
        raise AssertionError("unreachable")

    def find(self, name: str):
        query = SearchRequest(filter=f'userName eq "{name}"')
        found = self.patiently(lambda: self.scim.query(self.user, query_parameters=query))
        return found.resources[0] if found.resources else None

    def ensure(self, name: str):
        """Creates a user once, even when the answer to the creation is lost."""
        try:
            return self.patiently(lambda: self.scim.create(self.user(user_name=name)))
        except RequestNetworkException as lost:
            print(f"  the answer was lost ({lost}): looking for {name}")
            return self.find(name) or self.ensure(name)

    def retitle(self, name: str, title: str) -> None:
        """Replaces a user only in the state that was read; reads again when overtaken."""
        while True:
            user = self.find(name)
            user.title = title
            condition = {"If-Match": user.meta.version}
            try:
                self.patiently(lambda: self.scim.replace(user, headers=condition))
                return
            except SCIMException as refused:
                print(f"  overtaken: reading again ({refused})")


def main() -> None:
    with Civitas.start() as civitas:
        client = Provisioner(civitas)

        print("429: too many requests")
        civitas.rehearse("429; retry-after=1", method="POST", to=1)
        assert client.ensure("ann").user_name == "ann"

        print("503: overloaded, twice")
        civitas.clear_rehearsals()
        civitas.rehearse("503; retry-after=1", method="POST", to=2)
        assert client.ensure("bea").user_name == "bea"

        print("201, and the answer is lost")
        civitas.clear_rehearsals()
        civitas.rehearse("after; close", method="POST", to=1)
        assert client.ensure("cem").user_name == "cem"
        assert civitas.ledger.count(method="POST", status=201) == 3, "created once"

        print("412: somebody else was first")
        civitas.clear_rehearsals()
        civitas.rehearse("412", method="PUT", to=1)
        client.retitle("ann", "Engineer")
        assert client.find("ann").title == "Engineer"

        print("401: the token has expired")
        civitas.clear_rehearsals()
        civitas.clock.advance(2 * 3600)
        assert client.find("ann") is not None

        print("all of it handled")


if __name__ == "__main__":
    main()
