"""Which of a record's answers may be shown: not the blinded ones, masked the protected ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from imednet.models import Record, StudyConfiguration, Variable
from imednet_workflows.canonical.plan import protected_names
from imednet_workflows.canonical.tables import MASK
from imednet_workflows.canonical.values import as_text, is_empty
from imednet_workflows.profiling import Blinding

__all__ = ["Answer", "Protection"]


class Answer(NamedTuple):
    """One answer as it may be shown: `value` is text, MASK where it is protected."""

    variable: str
    label: str | None
    value: str


class Protection:
    """What a study's configuration and variables let be seen of its records.

    Blinded variables are left out unless the configuration has `allow_blinded`; variables
    of `phi_fields`, and those that fill a field named there, are masked. A configuration
    of None hides what is blinded and masks nothing.

    Example:
        >>> config = StudyConfiguration(phi_fields=["DM.DOB"])
        >>> arm = Variable(form_key="DM", variable_name="ARM", blinded=True)
        >>> one = Record(form_key="DM", record_data={"DOB": "1950-03-02", "ARM": "B", "SEX": "F"})
        >>> [(answer.variable, answer.value) for answer in Protection(config, [arm]).answers(one)]
        [('DOB', '***'), ('SEX', 'F')]
    """

    def __init__(
        self, configuration: StudyConfiguration | None, variables: Iterable[Variable]
    ) -> None:
        known = list(variables)
        held = configuration or StudyConfiguration()
        self._blinding = Blinding(known, allow=held.allow_blinded)
        self._labels = {
            (_plain(each.form_key), _plain(each.variable_name)): each.label for each in known
        }
        self._phi = protected_names(held)

    @property
    def protected(self) -> frozenset[str]:
        """The names of what is masked (variables, form.variable and fields) in lower case."""
        return frozenset(self._phi)

    def hides(self, form_key: str | None, name: str) -> bool:
        """Tell whether a question of a form is blinded, and so must not be shown at all."""
        return self._blinding.hides(form_key, name)

    def masks(self, form_key: str | None, name: str) -> bool:
        """Tell whether a question's answers must be masked."""
        plain = _plain(name)
        return plain in self._phi or f"{_plain(form_key)}.{plain}" in self._phi

    def answers(self, record: Record) -> list[Answer]:
        """Return a record's answers that may be shown, in its order, without empty ones."""
        form = self._blinding.form_of(record)
        return [
            Answer(
                name,
                self._labels.get((form, _plain(name))),
                MASK if self.masks(form, name) else as_text(value),
            )
            for name, value in (record.record_data or {}).items()
            if not is_empty(value) and not self.hides(form, name)
        ]


def _plain(text: str | None) -> str:
    return (text or "").casefold()
