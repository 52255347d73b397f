"""The HTTP form of the token request, written byte by byte on a socket.

Each variant is one flow; they differ only in spellings HTTP leaves to the sender.
"""

import base64
import json
import os
import socket
import time
from urllib.parse import quote, urlsplit

AUTH_PATH = urlsplit(os.environ["authPath"])
ENV_ID = os.environ["envID"]
BASIC = base64.b64encode(f"{os.environ['appID']}:{os.environ['appSecret']}".encode()).decode()
HINT = os.environ["cibaHint"]


def send(path, lines, body=b"", version="1.1", chunked=False):
    """Sends one request and returns the status and the body, read to the end of the connection."""
    head = [f"POST {path} HTTP/{version}"]
    if version == "1.1":
        head += [f"Host: {AUTH_PATH.netloc}", "Connection: close"]
    head += lines
    head += ["Transfer-Encoding: chunked", "Expect: 100-continue"] if chunked else [f"Content-Length: {len(body)}"]
    with socket.create_connection((AUTH_PATH.hostname, AUTH_PATH.port or 80), timeout=10) as sock:
        sock.sendall("\r\n".join(head + ["", ""]).encode())
        if chunked:
            interim = sock.recv(65536)
            assert interim == b"HTTP/1.1 100 Continue\r\n\r\n", interim
            for piece in (body[:9], body[9:], b""):
                sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        else:
            sock.sendall(body)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower(), head
    return int(head.split(b" ", 2)[1]), body


def flow(name, lines, grant_type, **how):
    hint = f"login_hint={quote(HINT, safe='')}&scope=openid".encode()
    status, body = send(f"/{ENV_ID}/as/cibaAuthorization", lines, hint, **how)
    assert status == 200, (name, status, body)
    started = json.loads(body)
    form = f"grant_type={grant_type}&auth_req_id={started['auth_req_id']}".encode()

    status, body = send(f"/{ENV_ID}/as/token", lines, form, **how)
    assert status == 400, (name, status, body)
    assert json.loads(body)["error"] == "authorization_pending", (name, body)

    status, body = send(f"/{ENV_ID}/simulator/answer?auth_req_id={started['auth_req_id']}&action=allow", [])
    assert status == 204, (name, status, body)

    time.sleep(started["interval"] + 0.2)
    status, body = send(f"/{ENV_ID}/as/token", lines, form, **how)
    assert status == 200, (name, status, body)
    tokens = json.loads(body)
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 3600, (name, tokens)
    assert tokens["access_token"].count(".") == 2, (name, tokens)
    print(f"{name}: tokens")


ESCAPED = "urn%3Aopenid%3Aparams%3Agrant-type%3Aciba"
PLAIN = "urn:openid:params:grant-type:ciba"
FORM = "application/x-www-form-urlencoded"

PAGE = [f"Content-Type: {FORM}", f"Authorization: Basic {BASIC}"]

flow("as on the page", PAGE, ESCAPED)
flow("HTTP/1.0 without Host, as plain proxies speak it", PAGE, ESCAPED, version="1.0")
flow("chunks, after Expect: 100-continue", PAGE, ESCAPED, chunked=True)
flow(
    "lower-case header names, colons as they are, a charset",
    [f"content-type: {FORM};charset=UTF-8", f"authorization: Basic {BASIC}"],
    PLAIN,
)
flow(
    "upper-case header names, a lower-case scheme, lower-case escapes",
    [f"CONTENT-TYPE: {FORM.upper()}; charset=utf-8", f"AUTHORIZATION: basic {BASIC}"],
    ESCAPED.replace("%3A", "%3a"),
)
print("OK")
