"""A server of mail (`aiosmtpd`) that asks for TLS and a password, and writes down what it gets.

    python smtp.py FOLDER PORT    (cert.pem and key.pem are in the folder)

Each mail becomes a line of JSON in FOLDER/mails.jsonl before it is acknowledged. While there is a
file FOLDER/slow, the acknowledgement comes three seconds later.
"""

import asyncio
import email
import email.policy
import json
import logging
import pathlib
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = b"civitas", b"mail-secret"
FOLDER = pathlib.Path(sys.argv[1])
logging.getLogger("mail.log").setLevel(logging.ERROR)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        line = {
            "id": mail["Message-ID"],
            "to": envelope.rcpt_tos,
            "from": mail["From"],
            "subject": mail["Subject"],
            "text": parts.get("text/plain"),
            "html": parts.get("text/html"),
        }
        with (FOLDER / "mails.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        if (FOLDER / "slow").exists():
            await asyncio.sleep(3)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == USER and data.password == PASSWORD
    return AuthResult(success=good)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(FOLDER / "cert.pem", FOLDER / "key.pem")
controller = Controller(
    Handler(),
    hostname="127.0.0.1",
    port=int(sys.argv[2]),
    tls_context=context,
    require_starttls=True,
    authenticator=authenticate,
    auth_required=True,
    auth_require_tls=True,
)
controller.start()
print("ready", flush=True)
sys.stdin.read()
controller.stop()
