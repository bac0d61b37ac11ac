"""The reference verifier of Standard Webhooks on a request of ours.

usage: webhook_verify.py SECRET < {"headers": {...}, "body": "..."}
"""
import json
import sys
from unittest.mock import patch

import datetime
import standardwebhooks.webhooks as reference

request = json.load(sys.stdin)
stamp = int(request["headers"]["webhook-timestamp"])


class Then(datetime.datetime):
    """The verifier refuses old requests, and the test's clock stands still."""

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(stamp + 5, tz)


with patch.object(reference, "datetime", Then):
    hook = reference.Webhook(sys.argv[1])
    hook.verify(request["body"], request["headers"])
    try:
        hook.verify(request["body"].replace("5Gi", "6Gi"), request["headers"])
    except reference.WebhookVerificationError:
        print("ok")
