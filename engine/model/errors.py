"""The four errors that may cross a port. Nothing else does."""


class PortError(Exception):
    """Base of the errors an adapter may raise at a port."""


class RetryableError(PortError):
    """Certainly not done; trying again later is safe."""


class RefusedError(PortError):
    """The counterpart said no; trying the same again is pointless.

    `code` is the counterpart's own number for the refusal, where it gives one.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class UnknownOutcomeError(PortError):
    """It may have happened. Look the truth up; never send again."""


class FatalError(PortError):
    """This counterpart can't be worked with until a person changes something."""
