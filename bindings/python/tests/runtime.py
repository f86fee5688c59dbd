# SPDX-License-Identifier: Apache-2.0
"""A double of the managed runtime of Python: takes invocations from the Runtime API one after the other and
gives them to the package's handler. What a handler raises is told whole, as its contract says, where AWS's own
client makes a body of its own."""

from __future__ import annotations

import http.client
import json
import os
import time

from libmigrate import aws_lambda


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return self.deadline - int(time.time() * 1000)


def ask(api, method, path, body=None, headers=None):
    api.request(method, "/2018-06-01/runtime/" + path, body, headers or {})
    answer = api.getresponse()
    return answer.headers, answer.read()


def serve(api, handler):
    headers, body = ask(api, "GET", "invocation/next")
    context = Context(headers)
    at = "invocation/" + context.aws_request_id
    try:
        answer = handler(json.loads(body) if body else None, context)
        ask(api, "POST", at + "/response", json.dumps(answer))
    except aws_lambda.InvocationFailed as error:
        said = {"Lambda-Runtime-Function-Error-Type": "Function." + type(error).__name__}
        ask(api, "POST", at + "/error", json.dumps(error.reply), said)


def main():
    name = os.environ.get("_HANDLER", "").rpartition(".")[2]
    handler = getattr(aws_lambda, name if name in ("onEvent", "isComplete") else "handler")
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        serve(api, handler)


if __name__ == "__main__":
    main()
