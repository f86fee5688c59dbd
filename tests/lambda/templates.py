#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a synthesised stack of examples/aws must say: templates.py NAME TEMPLATE..."""

import json
import sys

name, paths = sys.argv[1], sys.argv[2:]
resources = {}
for path in paths:
    with open(path, encoding="utf-8") as file:
        resources.update({(path, k): v for k, v in json.load(file).get("Resources", {}).items()})


def of(kind):
    return [r for r in resources.values() if r["Type"] == kind]


functions = [r["Properties"] for r in of("AWS::Lambda::Function") if r["Properties"]["Runtime"] == "provided.al2023"]
assert functions, "no function"
for function in functions:
    variables = function["Environment"]["Variables"]
    assert "MIGRATE_SECRET" in variables or "MIGRATE_DATABASE_URL" in variables, variables
    assert function["Timeout"] <= 14 * 60, function["Timeout"]
custom = [r for r in resources.values() if r["Type"].startswith("Custom::") and "Migration" in r["Type"]]
if name == "serverless-framework":
    assert not custom and functions[0]["Environment"]["Variables"]["MIGRATE_LAYOUT"] == "versioned"
elif name == "pipeline":
    assert not custom and functions[0]["Environment"]["Variables"]["MIGRATE_STATUS_CODE"] == "1"
else:
    assert len(custom) == 1, custom
    hashes = [v for k, v in custom[0]["Properties"].items() if k.lower().endswith("hash")]
    assert len(hashes) == 1 and len(hashes[0]) == 64, custom[0]
modes = {f["Environment"]["Variables"].get("MIGRATE_MODE", "direct") for f in functions}
assert modes == {{"cdk-provider": "cdk-provider", "cdk-liquibase": "cdk-provider", "custom-resource-data-api": "cfn",
                  "pipeline": "direct", "serverless-framework": "direct"}[name]}, modes
# Least privilege: nothing of ours may do everything, or anything with every secret.
for policy in of("AWS::IAM::Policy"):
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert "*" not in actions, statement
        if any(a.startswith(("secretsmanager:", "rds-data:")) for a in actions):
            assert statement["Resource"] != "*", statement
print(f"{name}: {len(resources)} resources are as they should be")
