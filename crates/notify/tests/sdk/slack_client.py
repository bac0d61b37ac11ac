"""Slack's own clients against the pretend server, with a message that we rendered.

usage: slack_client.py BASE_URL TOKEN BODY_FILE
"""
import json
import sys
import time

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

base, token, body_file = sys.argv[1:4]
body = json.load(open(body_file, encoding="utf-8"))
client = WebClient(token=token, base_url=base + "/api/")


def refused(word, call):
    time.sleep(1)
    try:
        call()
    except SlackApiError as error:
        assert error.response["error"] == word, error.response["error"]
        return
    raise AssertionError(f"{word} was expected")


sent = client.chat_postMessage(channel="#alerts", **body)
assert sent["ok"] and sent["channel"].startswith("C"), sent
time.sleep(1)
assert client.chat_update(channel=sent["channel"], ts=sent["ts"], **body)["ok"]
refused("message_not_found", lambda: client.chat_update(channel=sent["channel"], ts="1.1", **body))
refused("channel_not_found", lambda: client.chat_postMessage(channel="#nowhere", **body))
bad = WebClient(token="xoxb-no", base_url=base + "/api/")
refused("invalid_auth", lambda: bad.chat_postMessage(channel="#alerts", text="x"))
time.sleep(1)
answer = WebhookClient(base + "/hook").send_dict(body)
assert (answer.status_code, answer.body) == (200, "ok"), answer.body
print("ok")
