"""Look at the answers before anything is written; each refusal says why."""

import json
import keyword
import re
import sys

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
PARTS = ("named_plugin", "command", "page", "workflows")
#: imednet's own distributions.
OURS = {"imednet", "imednet-workflows", "imednet-streamlit", "imednet-simulator"}
#: Packages that a plugin of this name would hide from imednet or from its own tests.
NEEDED = {
    *("altair", "dataclasses_json", "fire", "pandas", "pytest", "streamlit", "tests"),
    *("starlette", "urllib3", "uvicorn"),
}
#: Commands that imednet and its plugins have.
COMMANDS = {
    *("codings", "forms", "intervals", "jobs", "queries", "record-revisions", "records", "sites"),
    *("studies", "subjects", "users", "variables", "visits"),
    *("dashboard", "demo", "help", "plugins", "simulate", "workflows"),
}


def refusals():
    """Yield a sentence for each answer that will not do."""
    name, author = ANSWERS["plugin_name"], ANSWERS["author"]
    slug, package = ANSWERS["project_slug"], ANSWERS["package"]
    for what, text in (("plugin_name", name), ("author", author)):
        if not text.strip() or not text.isprintable() or set(text) & {'"', "\\"}:
            yield f"{what} is {text!r}: give a line of text, without quotation marks and backslashes"
    if len(name) > 40:
        yield f"plugin_name has {len(name)} letters: give 40 at most"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) or len(slug) > 40:
        yield (
            f"project_slug is {slug!r}: give up to 40 lower-case letters and digits, with single "
            "dashes between, such as query-counts"
        )
    elif slug in OURS:
        yield f"project_slug is {slug!r}: that is a package of imednet's, choose another name"
    elif ANSWERS["command"] and slug in COMMANDS:
        yield f"project_slug is {slug!r}: `imednet {slug}` exists, choose another name"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", package) or len(package) > 40:
        yield (
            f"package is {package!r}: give up to 40 lower-case letters, digits and underscores, a "
            "letter first, such as query_counts"
        )
    elif keyword.iskeyword(package) or package in keyword.softkwlist:
        yield f"package is {package!r}: that is a word of Python's own, choose another name"
    elif package in sys.stdlib_module_names:
        yield f"package is {package!r}: that is a module of Python's own, choose another name"
    elif package.replace("_", "-") in OURS:
        yield f"package is {package!r}: that is a package of imednet's, choose another name"
    elif package in NEEDED:
        yield f"package is {package!r}: it would hide what imednet needs, choose another name"
    elif ANSWERS["named_plugin"] and package == "workflows":
        yield "package is 'workflows': `sdk.plugins` has no such name, choose another"
    if not any(ANSWERS[part] for part in PARTS):
        yield f"nothing is chosen: say yes to at least one of {', '.join(PARTS)}"


found = list(refusals())
for refusal in found:
    print(f"{refusal}.", file=sys.stderr)
sys.exit(1 if found else 0)
