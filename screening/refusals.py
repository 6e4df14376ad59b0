"""The one type of every anticipated "no".

Over HTTP it becomes an RFC 9457 problem, on the command line one line on stderr with exit status 2.
Anything else raised is a bug.
"""


class Refused(Exception):
    """What came, where, what was expected, what to do; `code` is a stable word, `facts` the particulars.

    Facts never hold national identity numbers.
    """

    def __init__(self, code: str, message: str, **facts: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """From another process it arrives as it was raised; by default it would be made anew of its message alone."""
        return _again, (type(self), self.code, self.message, self.facts)


def _again(kind: type[Refused], code: str, message: str, facts: dict[str, object]) -> Refused:
    return kind(code, message, **facts)


def unreadable(file: object, error: OSError | ValueError) -> Refused:
    """What to raise of a file that cannot be read, or that is no text."""
    reason = (error.strerror or "").lower() if isinstance(error, OSError) else ""
    missing = isinstance(error, FileNotFoundError)
    return Refused("file_unreadable", f"{file}: {'no such file' if missing else reason or error}")


class NotFound(Refused):
    """The thing named does not exist, or not for this caller."""


class NotAllowed(Refused):
    """The caller is known and may not."""


class Conflict(Refused):
    """The call contradicts what is already recorded."""
