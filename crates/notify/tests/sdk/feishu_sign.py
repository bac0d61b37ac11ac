"""Checks a custom bot's request with nothing but Python's hmac and the documented formula.

usage: feishu_sign.py SECRET < body
"""
import base64
import hashlib
import hmac
import json
import sys

body = json.load(sys.stdin)
key = f"{body['timestamp']}\n{sys.argv[1]}".encode()
wanted = base64.b64encode(hmac.new(key, digestmod=hashlib.sha256).digest()).decode()
assert body["sign"] == wanted, (body["sign"], wanted)
assert body["msg_type"] == "interactive" and body["card"]["schema"] == "2.0"
print("ok")
