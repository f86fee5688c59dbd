# SPDX-License-Identifier: Apache-2.0
"""Run by test_credentials.py in a network of its own, in which the link-local addresses are ours."""
import os
import subprocess
import threading
import http.server

import test_credentials
from test_credentials import Metadata, local_answer
import awstest


class At(awstest.Double):
    def __init__(self, address, respond):
        http.server.HTTPServer.__init__(self, (address, 80), awstest.Double.Handler)
        self.respond, self.seen, self.lock, self.clock_ahead = respond, [], threading.Lock(), 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


def identity(**env):
    kept = {k: v for k, v in os.environ.items() if k != 'AWS_EC2_METADATA_DISABLED'}
    done = subprocess.run([awstest.PROBE], input='{"do":"identity"}\n', capture_output=True, text=True, check=True,
                          env={**kept, **env})
    return test_credentials.json.loads(done.stdout)


with At('169.254.169.254', Metadata()), \
        At('169.254.170.2', lambda r: (200, {}, local_answer(['C', 'c', 'ct'])) if r.path == '/v2/x' else (404, {}, '')):
    found = identity()
    assert found['access_key'] == 'I', found
    found = identity(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI='/v2/x')
    assert found['access_key'] == 'C', found
