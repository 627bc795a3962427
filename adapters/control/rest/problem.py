"""What is answered where a request is not carried out: a status, a code for programs, words, the remedy."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class ProblemReply(Struct, frozen=True):
    """Why a request was not carried out, or that nobody knows whether it was."""

    error: str
    """A code for programs."""
    message: str
    remedy: str = ""
    """What to do about it; empty where nothing can be done."""


class Code(Enum):
    """Each code with its status and what it means; docs/api.md lists them."""

    BAD_REQUEST = 400, "the request is not as this page says: nothing was done"
    TOKEN_NEEDED = 401, "no token, or one that is wrong, revoked or expired"
    SCOPE = 403, "the token may not do that"
    ORIGIN = 403, "a web page of another place has sent it"
    NOT_FOUND = 404, "there is no such thing"
    METHOD = 405, "the path takes other methods; the header Allow names them"
    REFUSED = 409, "the engine has refused, for the reason that is told: nothing was done"
    KEY_USED = 409, "the Idempotency-Key was used before, for something else: nothing was done"
    TOO_LARGE = 413, "the body has more bytes than one may have"
    MEDIA_TYPE = 415, "a body is application/json"
    HOST = 421, "it was sent to a name that the API does not answer to"
    TOO_MANY = 429, "too many requests; the header Retry-After says how long to wait"
    INTERNAL = 500, "a fault of tstream's own; the log has more"
    NOT_NOW = 503, "the engine has stopped, or can't take it now: nothing was done"
    UNKNOWN = 504, "it may have been done: look before anything is sent again"

    def __init__(self, status: int, meaning: str) -> None:
        self.status = status
        self.meaning = meaning

    @property
    def code(self) -> str:
        return self.name.lower()


class ApiProblem(Exception):
    """Ends a request with a ProblemReply."""

    def __init__(
        self, code: Code, message: str, remedy: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy
        self.headers = headers or {}

    @property
    def reply(self) -> ProblemReply:
        return ProblemReply(self.code.code, str(self), self.remedy)
