#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands of the READMEs in examples/aws, pasted as they are, as far as they go without AWS: npm installs the CDK; what
# would be deployed is synthesised, packaged or looked at instead, and what would be uploaded is read.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
bootstrap=$build/tools/migrate-lambda/migrate-lambda
[ -x "$bootstrap" ] || { echo "skipped: no migrate-lambda was built"; exit 77; }
command -v npm >/dev/null 2>&1 || { echo "skipped: no npm"; exit 77; }
command -v zip >/dev/null 2>&1 || { . scripts/machine.sh && install_packages zip; } || { echo "skipped: no zip"; exit 77; }
cache=$PWD/.cache/cdk
[ -x "$cache/node_modules/.bin/osls" ] || npm --prefix "$cache" install --silent --no-audit --no-fund osls@4 ||
    { echo "skipped: osls cannot be installed"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
cp "$bootstrap" "$scratch/bin/migrate-lambda"
cp "$bootstrap" "$scratch/bin/migrate"
cp -r examples/aws "$scratch/aws"
export npx osls=$cache/node_modules/.bin/osls uploaded=$scratch/uploaded
npx=$(command -v npx)

# What needs an account does the part of it that needs none.
stand_in() { # NAME: by standard input
    { echo '#!/bin/sh'; echo 'set -eu'; cat; } >"$scratch/bin/$1"
    chmod +x "$scratch/bin/$1"
}
stand_in npx <<'END'
case "$1 ${2:-}" in
"cdk deploy") shift 2; [ "${1:-}" != --all ] || shift; exec "$npx" cdk synth --quiet "$@" ;;
"serverless deploy") shift 2; AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none exec "$osls" package "$@" ;;
"serverless invoke") echo '{"state":"current"}' ;;
*) exec "$npx" "$@" ;;
esac
END
stand_in sam <<'END'
test -s template.yaml -a -x function/bootstrap
case "$*" in *MigrationHash=*) [ ${#4} -gt 40 ] || { echo "no hash: $4"; exit 1; } ;; esac
END
stand_in aws <<'END'
[ "$1 ${2:-}" != "s3 cp" ] || cat >>"$uploaded"
END

commands() { sed -n '/^```/,/^```/p' "$1" | grep -v '^```'; }

for readme in "$scratch"/aws/*/README.md; do
    folder=$(dirname "$readme")
    name=$(basename "$folder")
    echo "== $name"
    commands "$readme" >"$scratch/commands"
    [ -s "$scratch/commands" ] || { echo "no commands"; exit 1; }
    # The second install finds what the first one has fetched.
    [ ! -f "$folder/package.json" ] || [ ! -d "$scratch/node_modules" ] || cp -al "$scratch/node_modules" "$folder/"
    (cd "$folder" && HOME=$scratch PATH=$scratch/bin:$PATH npm_config_cache=${npm_config_cache:-$HOME/.npm} bash -euo pipefail \
        "$scratch/commands") >"$scratch/log" 2>&1 || { cat "$scratch/log"; echo "failed: $name"; exit 1; }
    [ ! -f "$folder/cdk.json" ] || ls "$folder"/cdk.out/*.template.json >/dev/null
    [ ! -d "$folder/node_modules" ] || [ -d "$scratch/node_modules" ] || cp -al "$folder/node_modules" "$scratch/"
done
[ -f "$scratch/aws/serverless-framework/.serverless/cloudformation-template-update-stack.json" ]
"$scratch/aws/sam/function/bootstrap" -d "sqlite:$scratch/app.db" -s "$scratch/aws/sam/function/migrations" up
python3 - "$uploaded" <<'END'
import json
import sys
tenants = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
assert [t["id"] for t in tenants] == ["a", "b"] and all(t["secret"] for t in tenants), tenants
END
echo "ok"
