#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Certificates for a test: tls_files.sh DIR makes ca.pem, server.pem, server.key (for IP 127.0.0.1 alone), client.pem,
# client.key, and other-ca.pem, which signed none of them. Exit 77 without openssl.
set -eu
command -v openssl >/dev/null 2>&1 || { echo "skipped: openssl is not installed" >&2; exit 77; }
mkdir -p "$1"
cd "$1"
authority() { # NAME
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -days 3 -subj "/CN=test $1" 2>/dev/null
}
signed() { # NAME EXTENSION
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=test $1" 2>/dev/null
    printf '%s\n' "$2" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
authority ca
authority other-ca
signed server 'subjectAltName=IP:127.0.0.1'
signed client 'extendedKeyUsage=clientAuth'
chmod 644 ./*.key
