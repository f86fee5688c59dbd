#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CloudFormation's rollback on an engine that cannot roll back by itself."""

import os
import subprocess

from doubles import BRIEF, Capture, Function, run, stack_event

OLD = {"1_a.sql": "CREATE TABLE a (id int PRIMARY KEY);\n", "2_b.sql": "CREATE TABLE b (id int PRIMARY KEY);\n"}
BAD = {"3_c.sql": "CREATE TABLE c (id int PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);\n"}


def database(name):
    client = "mariadb" if os.environ["MYSQL_KIND"] == "mariadb" else "mysql"
    subprocess.run([client, "-h127.0.0.1", "-P" + os.environ["MYSQL_PORT"], "-uroot", "-e", "CREATE DATABASE " + name],
                   check=True)
    return os.environ["MYSQL_URL"] + "/" + name


def test_rollback_after_half_a_migration():
    capture = Capture()
    with Function(OLD, database("app"), MIGRATE_MODE="cfn") as f:

        def stack(kind, **properties):
            assert f.result(stack_event(kind, capture, properties=properties)) == {}
            return capture.json

        assert stack("Create", Target="2")["Status"] == "SUCCESS"
        f.write(BAD)
        assert stack("Update", Target="3")["Status"] == "FAILED"
        assert stack("Update", Target="2")["Status"] == "SUCCESS"  # the older target, the newer files
        f.remove("3_c.sql")
        out = stack("Update")  # the older files
        assert out["Status"] == "SUCCESS" and out["Data"]["Applied"] == "0", out
        f.remove("1_a.sql")
        assert stack("Update")["Status"] == "FAILED"  # no rollback: a file in the middle is gone
        f.write({**OLD, "3_c.sql": "CREATE TABLE c (id int PRIMARY KEY);\n"})
        out = stack("Update")
        assert out["Status"] == "SUCCESS" and out["Data"]["Version"] == "3", out
    capture.close()


def test_what_stays_of_half_a_migration():
    capture = Capture()
    with Function(BAD, database("half"), MIGRATE_MODE="cfn") as f:
        assert f.result(stack_event("Create", capture)) == {}
        assert ". Of migration 3 statement 1 is executed and stays." in capture.json["Reason"], capture.json
    with Function({"1_a.sql": "CREATE TABLE a (id int);\nSELECT sleep(600);\n"}, database("late")) as f:
        out = f.result(timeout=BRIEF)
        assert out["more"] and "the deadline passed while this statement ran" in out["error"]["message"], out
        assert "migration 1 may be half done" in f.log() and "nothing done" not in f.log(), f.log()
        f.write({"1_a.sql": "CREATE TABLE a (id int);\nSELECT 1;\n"})
        out = f.result()
        assert out["state"] == "current" and out["applied"] == 1, out
    capture.close()


run(globals())
