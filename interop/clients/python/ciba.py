"""The Python form of the token request: requests with a body escaped by hand."""

import base64
import os
import time
from urllib.parse import quote

import requests

BASE = f"{os.environ['authPath']}/{os.environ['envID']}"
BASIC = base64.b64encode(f"{os.environ['appID']}:{os.environ['appSecret']}".encode()).decode()


def post(path, form, want):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {BASIC}"}
    response = requests.request("POST", BASE + path, headers=headers, data=form, timeout=10)
    assert response.status_code == want, (path, response.status_code, response.text)
    return response.json() if response.text else None


started = post("/as/cibaAuthorization", f"scope=openid&login_hint={quote(os.environ['cibaHint'], safe='')}", 200)
form = f"grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id={started['auth_req_id']}"

assert post("/as/token", form, 400)["error"] == "authorization_pending"
post(f"/simulator/answer?action=allow&auth_req_id={started['auth_req_id']}", "", 204)
time.sleep(started["interval"] + 0.2)

tokens = post("/as/token", form, 200)
assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 3600, tokens
assert tokens["access_token"].count(".") == 2, tokens
print("OK")
