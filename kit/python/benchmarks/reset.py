"""Resets a tenant of 1,000 users 1,000 times, and tells how long it takes, and whether memory
and files grow.

    CIVITAS_BIN=target/release/civitas PYTHONPATH=kit/python/src \\
        python3 kit/python/benchmarks/reset.py [users] [resets] [changes]

Each round makes some users beside those of the snapshot. Times are of the whole request, on a
kept connection. Memory is VmRSS (Linux).
"""

import http.client
import json
import statistics
import sys
import time
import urllib.parse
from pathlib import Path

from civitas_kit import Civitas

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def main(users=1000, resets=1000, changes=10):
    with Civitas.start() as civitas:
        address = urllib.parse.urlsplit(civitas.base_url).netloc
        connection = http.client.HTTPConnection(address)

        def call(method, path, body, good):
            connection.request(method, path, json.dumps(body), {
                "Authorization": civitas.authorization, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != good:
                raise SystemExit(f"{method} {path}: {answer.status} {text!r}")
            return json.loads(text or b"null")

        def create(name):
            user = {"schemas": [USER], "userName": name, "displayName": name,
                    "emails": [{"value": f"{name}@example.com", "primary": True}]}
            call("POST", "/scim/v2/Users", user, 201)

        def size():
            folder = Path(civitas._folder, "data")
            return sum(file.stat().st_size for file in folder.iterdir())

        def memory():
            status = Path(f"/proc/{civitas._process.pid}/status").read_text()
            return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)

        for number in range(users):
            create(f"user{number}")
        civitas.snapshot("start")
        took, marks = [], []
        for number in range(resets):
            for more in range(changes):
                create(f"more{more}")
            began = time.perf_counter()
            call("POST", "/civitas/v1/reset", {"snapshot": "start"}, 200)
            took.append((time.perf_counter() - began) * 1000)
            if (number + 1) % max(resets // 10, 1) == 0:
                marks.append((memory(), size()))
        total = call("GET", "/scim/v2/Users?count=0", None, 200)["totalResults"]
        took.sort()
        print(f"{resets} resets of {users} users, {changes} created between: median "
              f"{statistics.median(took):.2f} ms, p99 {took[len(took) * 99 // 100]:.2f} ms, "
              f"users now {total}")
        print("memory KiB, files B after each tenth:", *marks)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
