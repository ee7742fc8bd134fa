"""The kit against a real server."""

import http.client
import json
import urllib.error
import urllib.request

import pytest

from civitas_kit import Civitas, CivitasError

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def call(server, method, path, body=None, authorization=None, **headers):
    """Status, headers and JSON of an answer."""
    request = urllib.request.Request(
        server.scim_url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": authorization or server.authorization,
                 "Content-Type": "application/scim+json", **headers},
        method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, json.loads(refused.read() or b"null")


def user(name):
    return {"schemas": [USER], "userName": name}


def total(server):
    return call(server, "GET", "/Users")[2]["totalResults"]


def test_starts_with_nothing_in_it():
    with Civitas.start() as server:
        assert call(server, "GET", "/Users")[0] == 200
        assert total(server) == 0


def test_rehearsals(civitas):
    civitas.rehearse("503; retry-after=5", method="POST", to=1)
    status, headers, body = call(civitas, "POST", "/Users", user("ann"))
    assert (status, headers["Retry-After"], body["status"]) == (503, "5", "503")
    assert call(civitas, "POST", "/Users", user("ann"))[0] == 201
    with pytest.raises(CivitasError) as refused:
        civitas.rehearse("418")
    assert refused.value.status == 400
    civitas.rehearse("429")
    civitas.clear_rehearsals()
    assert total(civitas) == 1


def test_a_lost_answer(civitas):
    civitas.rehearse("after; close", method="POST")
    with pytest.raises((http.client.HTTPException, OSError)):
        call(civitas, "POST", "/Users", user("ann"))
    assert total(civitas) == 1


def test_clock_and_tokens(civitas):
    civitas.clock.freeze("2030-01-01T00:00:00Z")
    assert civitas.clock.now == "2030-01-01T00:00:00.000Z"
    bearer = "Bearer " + civitas.token("read")
    assert call(civitas, "GET", "/Users", authorization=bearer)[0] == 200
    civitas.clock.advance(3600)
    assert call(civitas, "GET", "/Users", authorization=bearer)[0] == 401
    civitas.clock.release()


def test_two_runs_print_the_same_bytes(civitas):
    civitas.clock.freeze("2030-01-01T00:00:00Z")
    civitas.clock.seed(42)
    civitas.snapshot("start")

    def run():
        return [call(civitas, "POST", "/Users", user(name))[2] for name in ("ann", "bea")]

    first = run()
    civitas.reset("start")
    assert total(civitas) == 0
    assert run() == first


def test_two_servers_and_the_ledger(civitas):
    call(civitas, "POST", "/Users", {**user("ann"), "password": "correct horse"})
    with Civitas.start() as other:
        assert total(other) == 0
    assert civitas.ledger.count(method="POST", status=201) == 1
    entry = civitas.ledger.entries(method="POST")[0]
    assert "correct horse" not in json.dumps(entry)
    assert civitas.ledger.har()["log"]["version"] == "1.2"
    civitas.ledger.clear()
    assert civitas.ledger.count() == 0


def test_https():
    with Civitas.start(https=True) as server:
        assert server.base_url.startswith("https://")
        assert "now" in server.admin("GET", "clock")
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(server.base_url + "/health/live")
