"""What the demo shows beside its study: a published configuration, in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["data_folder", "with_folder"]

#: The variable that says where imednet keeps its own files.
DATA_DIR = "IMEDNET_DATA_DIR"


@contextmanager
def data_folder() -> Iterator[Path]:
    """Give a private folder with the demo's configuration, gone afterwards.

    So nothing that is tried out in the demo comes among the configurations and review
    items of real studies.
    """
    from imednet.models import StudyConfiguration
    from imednet_workflows.config_store import ConfigStore

    text = Path(__file__).with_name("demo.json").read_text(encoding="utf-8")
    config = StudyConfiguration.from_json(text)
    with TemporaryDirectory(prefix="imednet-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        store = ConfigStore(folder / "configurations.sqlite3")
        made = store.commit(config, who="The demo", note="What the demo begins with")
        store.publish(config.study_key or "", made.version, who="The demo")
        yield folder


def with_folder(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the environment in which imednet's own files are in the folder."""
    return {**environment, DATA_DIR: os.fspath(folder)}
