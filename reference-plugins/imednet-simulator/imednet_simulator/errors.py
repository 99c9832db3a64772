"""What the server refuses, in the API's own terms."""

from __future__ import annotations

BAD_VALUE = "1000"
UNKNOWN = "9000"
NOT_PERMITTED = "9001"


class RefusedError(Exception):
    """An answer other than 2xx: its status, code, description, and the field at fault."""

    def __init__(
        self,
        status: int,
        code: str,
        description: str,
        *,
        attribute: str | None = None,
        value: object = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description
        self.attribute = attribute
        self.value = value
        self.headers = headers or {}


def bad_value(attribute: str, value: object, description: str) -> RefusedError:
    """400: the request says something about `attribute` that cannot be."""
    return RefusedError(400, BAD_VALUE, description, attribute=attribute, value=value)
