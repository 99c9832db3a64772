"""Look at the answers before anything is written; each refusal says why."""

import json
import keyword
import re
import sys
import unicodedata

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
PARTS = ("named_plugin", "command", "page", "workflows")
#: imednet's own distributions.
OURS = {"imednet", "imednet-workflows", "imednet-streamlit", "imednet-simulator"}
#: What imednet's packages and a plugin's tests need, directly or not: a distribution of such a
#: name would be installed in its place, a package would hide it. Written with dashes.
NEEDED = {
    *("altair", "anyio", "ast-serialize", "attr", "attrs", "build", "cel-expr-python", "certifi"),
    *("charset-normalizer", "click", "colorama", "dataclasses-json", "dateutil", "fire"),
    *("flit-core", "google", "h11", "httptools", "idna", "iniconfig", "itsdangerous", "jinja2"),
    *("jsonschema", "jsonschema-specifications", "librt", "markupsafe", "marshmallow"),
    *("multipart", "mypy", "mypy-extensions", "mypyc", "narwhals", "numpy", "orjson"),
    *("packaging", "pandas", "pathspec", "pillow", "pip", "pluggy", "protobuf", "py", "pyarrow"),
    *("pydeck", "pygments", "pyreadstat", "pytest", "python-dateutil", "python-multipart"),
    *("pytz", "referencing", "requests", "rpds", "rpds-py", "ruff", "setuptools", "six"),
    *("starlette", "streamlit", "tenacity", "termcolor", "test", "tests", "toml"),
    *("typing-extensions", "typing-inspect", "tzdata", "urllib3", "uvicorn", "watchdog"),
    *("websockets", "wheel", "xlsxwriter"),
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
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in name)
    if len(name) + wide > 40:
        doubled = f", {wide} of them as wide as two" if wide else ""
        yield f"plugin_name has {len(name)} letters{doubled}: give 40 at most"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) or len(slug) > 40:
        yield (
            f"project_slug is {slug!r}: give up to 40 lower-case letters and digits, with single "
            "dashes between, such as query-counts"
        )
    elif slug in OURS:
        yield f"project_slug is {slug!r}: that is a package of imednet's, choose another name"
    elif slug in NEEDED:
        yield f"project_slug is {slug!r}: imednet needs another package of this name, choose another"
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
    elif package.replace("_", "-") in NEEDED:
        yield f"package is {package!r}: it would hide what imednet needs, choose another name"
    elif ANSWERS["named_plugin"] and package == "workflows":
        yield "package is 'workflows': `sdk.plugins` has no such name, choose another"
    if not any(ANSWERS[part] for part in PARTS):
        yield f"nothing is chosen: say yes to at least one of {', '.join(PARTS)}"


found = list(refusals())
for refusal in found:
    print(f"{refusal}.", file=sys.stderr)
sys.exit(1 if found else 0)
