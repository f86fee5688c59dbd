#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Invokes the function that $DB_MIGRATE_FUNCTION_NAME names, until no work is left; fails when the migration does. The
# last lines of its log are printed.
set -eu
while :; do
    aws lambda invoke --function-name "$DB_MIGRATE_FUNCTION_NAME" out.json --log-type Tail --cli-read-timeout 900 \
        --query LogResult --output text | base64 -d
    case $(jq .StatusCode out.json) in
        200) jq -r '"the database is at " + .version' out.json; exit 0 ;;
        202) echo "more work is left" ;;
        *) jq -r '.errorMessage // .' out.json; exit 1 ;;
    esac
done
