"""`python -m imednet`, for where the script is not on the path."""

from __future__ import annotations

from imednet.cli import main

main()
