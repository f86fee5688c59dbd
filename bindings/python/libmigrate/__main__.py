# SPDX-License-Identifier: Apache-2.0
"""``python -m libmigrate``: the command line's verbs, with migrations that are Python."""

from __future__ import annotations

import sys

from ._cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
