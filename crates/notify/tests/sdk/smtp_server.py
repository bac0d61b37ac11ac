"""A real mail server for tests. Prints its port; keeps each mail as JSON in a folder; stops when standard input closes.

usage: smtp_server.py FOLDER none|starttls|tls [USER PASSWORD]

RCPT of `refused@...` is answered 550, of `busy@...` 451; a subject with `toobig` 552. With TLS, FOLDER/ca.pem is its authority.
"""
import asyncio
import email
import email.policy
import json
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, mode = sys.argv[1:3]
account = sys.argv[3:5]
count = 0


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such user"
        if address.startswith("busy@"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global count
        raw = envelope.content
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        if "toobig" in mail["subject"]:
            return "552 5.3.4 message too big"
        parts = [part for part in mail.walk() if not part.is_multipart()]
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "kinds": [part.get_content_type() for part in parts],
            "texts": [part.get_content() for part in parts],
            "longest_line": max(len(line) for line in raw.split(b"\n")),
            "ascii": raw.isascii(),
            "defects": [str(d) for part in [mail, *parts] for d in part.defects],
        }
        count += 1
        with open(f"{folder}/{count}.json", "w", encoding="utf-8") as out:
            json.dump(kept, out)
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and [data.login.decode(), data.password.decode()] == account
    return AuthResult(success=ok, handled=False)


async def main():
    context = None
    if mode != "none":
        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{folder}/ca.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    rules = {"authenticator": check, "auth_required": True, "auth_require_tls": False} if account else {}
    if mode == "starttls":
        rules |= {"tls_context": context, "require_starttls": True}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Keeper(), hostname="localhost", loop=loop, **rules), "127.0.0.1", 0,
        ssl=context if mode == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
