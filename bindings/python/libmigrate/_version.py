# SPDX-License-Identifier: Apache-2.0
"""Version of this package, which is that of the headers it was made for."""

__version__ = "0.1.0"
