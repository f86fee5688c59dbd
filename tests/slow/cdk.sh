#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What needs the CDK, from npm into .cache/cdk: its Provider framework's own code against the bootstrap, and every stack of
# examples/aws synthesised, its template checked by assertions and by cfn-lint (from PyPI into .cache/cfn-lint); the
# serverless.yml packaged by osls, the state machine checked by asl-validator.
set -eu
cd "$(dirname "$0")/../.."
build=$1
BOOTSTRAP=$build/tools/migrate-lambda/migrate-lambda
[ -x "$BOOTSTRAP" ] || { echo "skipped: no migrate-lambda was built"; exit 77; }
command -v npm >/dev/null 2>&1 || { echo "skipped: no npm"; exit 77; }
cache=$PWD/.cache/cdk
mkdir -p "$cache"
[ -f "$cache/package.json" ] || echo '{"private":true}' >"$cache/package.json"
[ -d "$cache/node_modules/aws-cdk-lib" ] && [ -d "$cache/node_modules/asl-validator" ] &&
    [ -d "$cache/node_modules/osls" ] ||
    npm --prefix "$cache" install --silent --no-audit --no-fund aws-cdk-lib@2 constructs@10 typescript@5 @types/node@20 \
        asl-validator@4 osls@4 || { echo "skipped: the CDK cannot be downloaded"; exit 77; }

echo "the Provider framework"
FRAMEWORK=$cache/node_modules/aws-cdk-lib/custom-resources/lib/provider-framework/runtime SOURCE_ROOT=$PWD \
    BOOTSTRAP=$BOOTSTRAP python3 tests/lambda/framework_test.py

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
[ -x .cache/cfn-lint/bin/cfn-lint ] ||
    { python3 -m venv .cache/cfn-lint && .cache/cfn-lint/bin/pip install -q --disable-pip-version-check 'cfn-lint==1.*'; } ||
    rm -rf .cache/cfn-lint
lint() {
    if [ -x .cache/cfn-lint/bin/cfn-lint ]; then
        .cache/cfn-lint/bin/cfn-lint --ignore-checks W E3703 -- "$@"
    else
        echo "skipped: cfn-lint cannot be installed"
    fi
}
for stack in cdk-provider cdk-liquibase custom-resource-data-api pipeline; do
    echo "stack $stack"
    cp -r "examples/aws/$stack" "$scratch/$stack"
    ln -s "$cache/node_modules" "$scratch/$stack/node_modules"
    mkdir -p "$scratch/$stack/function"
    cp "$BOOTSTRAP" "$scratch/$stack/function/bootstrap"
    [ ! -d "$scratch/$stack/migrations" ] || cp -r "$scratch/$stack/migrations" "$scratch/$stack/function/"
    (cd "$scratch/$stack" && node_modules/.bin/tsc && CDK_OUTDIR=cdk.out node app.js)
    find "$scratch/$stack/cdk.out" -name '*.template.json' >"$scratch/templates"
    [ -s "$scratch/templates" ]
    # shellcheck disable=SC2046
    lint $(cat "$scratch/templates")
    python3 tests/lambda/templates.py "$stack" $(cat "$scratch/templates")
done

echo "serverless.yml"
cp -r examples/aws/serverless-framework "$scratch/serverless"
mkdir -p "$scratch/serverless/function"
cp "$BOOTSTRAP" "$scratch/serverless/function/bootstrap"
cp -r "$scratch/serverless/migrations" "$scratch/serverless/function/"
(cd "$scratch/serverless" && python3 -c 'import shutil; shutil.make_archive("function", "zip", "function")' &&
    HOME=$scratch AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none "$cache/node_modules/.bin/osls" package --stage dev)
packaged=$scratch/serverless/.serverless/cloudformation-template-update-stack.json
lint "$packaged"
python3 tests/lambda/templates.py serverless-framework "$packaged"
lint examples/aws/sam/template.yaml examples/aws/fleet/template.yaml
"$cache/node_modules/.bin/asl-validator" --json-path examples/aws/fleet/fleet.asl.json
