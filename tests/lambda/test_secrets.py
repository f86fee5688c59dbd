#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The function and its log-in: Secrets Manager and SSM by moto, which verifies signatures, with and without the extension of
Lambda between them, while the password is changed. PostgreSQL is real and wants passwords."""

import json
import os
import sys
import unittest

import doubles
from doubles import BOOTSTRAP, Capture, Function, stack_event

os.environ.update(CLI_EXE=BOOTSTRAP, PROBE_EXE="")  # names of what the tests of libmigrate-aws run
sys.path.insert(0, os.path.join(os.environ["SOURCE_ROOT"], "tests", "aws"))
import awsdb  # noqa: E402  pylint: disable=wrong-import-position


class Served(Function):
    """A function of the test's role and database; whatever the test calls hidden is searched for in the end."""

    def __init__(self, test, **env):
        self.test = test
        super().__init__(MIGRATE_DATABASE_URL=env.pop("MIGRATE_DATABASE_URL", None), **{**test.moto.env(), **env})

    def stop(self):
        doubles.SECRETS.update(self.test.hidden)
        super().stop()


class Logins(awsdb.Database):
    def put(self, password, stage):
        self.hidden.append(password)
        self.moto.secrets.put_secret_value(SecretId=self.name, SecretString=self.value(password=password), VersionStages=[stage])

    def rotate(self, password):
        self.set_password(password)
        self.put(password, "AWSCURRENT")

    def again(self, f, name):
        """A new migration, by the process that has logged in before."""
        f.write({name + ".sql": "CREATE TABLE t%s (id integer);\n" % name})
        out = f.result()
        self.assertEqual((out["applied"], out["state"]), (1, "current"))

    def test_secret_alone(self):
        with Served(self, MIGRATE_SECRET=self.secret(self.value())) as f:
            self.assertEqual(f.result()["applied"], 2)
            self.assertEqual(f.result()["applied"], 0)

    def test_rotated_between_invocations(self):
        with Served(self, MIGRATE_SECRET=self.secret(self.value())) as f:
            f.result()
            self.rotate("rotated once")
            self.again(f, "3")
            self.rotate("rotated twice")
            self.again(f, "4")

    def test_in_the_middle_of_a_rotation(self):
        """There is a new password, before and after the database has it."""
        with Served(self, MIGRATE_SECRET=self.secret(self.value())) as f:
            f.result()
            self.put("of tomorrow", "AWSPENDING")
            self.again(f, "3")
            self.set_password("of tomorrow")
            self.again(f, "4")

    def test_current_before_the_database_has_it(self):
        self.secret(self.value())
        self.put("not yet", "AWSCURRENT")
        with Served(self, MIGRATE_SECRET=self.name, AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="TRACE") as f:
            self.assertEqual(f.result()["applied"], 2)

    def extension(self):
        """Remembers the first value that it had to get, as Lambda's does for minutes."""
        memory = {}

        def respond(request):
            if request.headers.get("X-Aws-Parameters-Secrets-Token") != self.token:
                return 400, {}, "not authorized"
            value = memory.setdefault("value", self.moto.secrets.get_secret_value(SecretId=self.name)["SecretString"])
            return 200, {}, json.dumps({"SecretString": value, "VersionId": "v", "VersionStages": ["AWSCURRENT"]})

        return self.double(respond)

    def test_extension_with_a_memory(self):
        session = self.moto.session()
        self.token = session["AWS_SESSION_TOKEN"]
        self.hidden += [self.token, session["AWS_SECRET_ACCESS_KEY"]]
        self.secret(self.value())
        extension = self.extension()
        session["PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"] = str(extension.server_port)
        with Served(self, MIGRATE_SECRET=self.name, **session) as f:
            self.assertEqual(f.result()["applied"], 2)
            self.assertEqual(len(extension.seen), 1)
            self.rotate("rotated past the extension")
            self.again(f, "3")
            self.assertGreater(len(extension.seen), 1)

    def test_refused(self):
        self.secret(self.value(password="wrong for ever"))
        self.hidden.append("wrong for ever")
        with Served(self, MIGRATE_SECRET=self.name) as f:
            out = f.error()
            self.assertEqual(out["errorType"], "E_AUTH")
            self.assertIn("password authentication failed", out["errorMessage"])
        capture = Capture()
        self.addCleanup(capture.close)
        with Served(self, MIGRATE_SECRET=self.name, MIGRATE_MODE="cfn") as f:
            self.assertEqual(f.result(stack_event("Create", capture)), {})
            self.assertEqual(capture.json["Status"], "FAILED")
            self.assertIn("password authentication failed", capture.json["Reason"])
            self.searched(capture.puts[-1][2].decode())
        with Served(self, MIGRATE_SECRET="no-such-secret") as f:
            self.assertIn("ResourceNotFoundException", f.error()["errorMessage"])

    def test_parameter(self):
        self.moto.parameters.put_parameter(Name="/" + self.name, Value=self.password, Type="SecureString")
        with Served(self, MIGRATE_SSM_PARAMETER="/" + self.name, MIGRATE_DATABASE_URL=self.url(user=self.role)) as f:
            self.assertEqual(f.result()["applied"], 2)

    def test_secret_of_the_event(self):
        """Tenants: each event names the secret, where that is allowed."""
        with Served(self, MIGRATE_DATABASE_URL=self.url()) as f:
            self.assertEqual(f.error({"secret": self.secret(self.value())})["errorType"], "E_MISUSE")
        with Served(self, MIGRATE_DATABASE_URL=self.url(), MIGRATE_EVENT_ALLOW="up,secret") as f:
            self.assertEqual(f.result({"items": [{"secret": self.name}]})["results"][0]["applied"], 2)


if __name__ == "__main__":
    unittest.main()
