"""Feishu's own client against the pretend server: proves that the server answers as the vendor's API does.

usage: feishu_app.py BASE_URL CARD_FILE      (prints the id of the message that it sent and changed)
"""
import json
import sys

import lark_oapi as lark
from lark_oapi.api.im.v1 import (
    CreateMessageRequest, CreateMessageRequestBody, PatchMessageRequest, PatchMessageRequestBody,
    ReplyMessageRequest, ReplyMessageRequestBody,
)

base, card_file = sys.argv[1:3]
card = open(card_file, encoding="utf-8").read()


def client(secret, app="cli_midwatch"):
    return (lark.Client.builder().domain(base).app_id(app).app_secret(secret)
            .log_level(lark.LogLevel.ERROR).build())


good = client("app-secret")


def create(content, uuid, by=good):
    body = (CreateMessageRequestBody.builder().receive_id("oc_group").msg_type("interactive")
            .content(content).uuid(uuid).build())
    return by.im.v1.message.create(
        CreateMessageRequest.builder().receive_id_type("chat_id").request_body(body).build())


def patch(message_id, content):
    body = PatchMessageRequestBody.builder().content(content).build()
    return good.im.v1.message.patch(
        PatchMessageRequest.builder().message_id(message_id).request_body(body).build())


first = create(card, "u-1")
assert first.success(), (first.code, first.msg)
message_id = first.data.message_id
again = create(card, "u-1")
assert again.data.message_id == message_id, "one uuid, one message"

changed = patch(message_id, card)
assert changed.success(), (changed.code, changed.msg)
assert patch("om_gone", card).code == 230011

body = (ReplyMessageRequestBody.builder().content(card).msg_type("interactive")
        .reply_in_thread(True).uuid("u-2").build())
reply = good.im.v1.message.reply(ReplyMessageRequest.builder().message_id(message_id).request_body(body).build())
assert reply.success() and reply.data.message_id != message_id, (reply.code, reply.msg)

too_long = json.loads(card)
too_long["body"]["elements"].append({"tag": "markdown", "content": "x" * 40000})
assert create(json.dumps(too_long), "u-3").code == 230025

unknown = json.loads(card)
unknown["body"]["elements"].append({"tag": "markdown", "content": "x", "colour": "red"})
refused = create(json.dumps(unknown), "u-4")
assert refused.code == 230099 and "ErrCode" in refused.msg, (refused.code, refused.msg)

# An unknown app: the SDK gets no token and says so. (It shares tokens between clients of one app.)
try:
    other = create(card, "u-5", client("app-secret", "cli_other"))
    assert not other.success(), "an unknown app must not work"
except Exception as error:  # the SDK's own exception for a refused token
    assert "10003" in str(error), error
print(message_id)
