"""Take away what was not chosen."""

import json
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
PACKAGE = Path(ANSWERS["package"])
FILES = {
    "command": [PACKAGE / "commands.py"],
    "page": [PACKAGE / "page.py", Path("tests", "test_page.py")],
    "workflows": [PACKAGE / "workflows.py"],
}

for part, files in FILES.items():
    if not ANSWERS[part]:
        for file in files:
            file.unlink()
if ANSWERS["licence"] == "none":
    Path("LICENSE").unlink()
