"""Why a request is refused before its use-case begins.

AccessError
├── NotSignedIn       access.not_signed_in      401
├── SignInFailed      access.sign_in_failed     401
├── NotAllowed        access.not_allowed        403
├── WrongOrigin       access.wrong_origin       403
├── ScopeInvalid      access.scope_invalid      400
├── PasswordInvalid   access.password_invalid   400
├── PasswordWrong     access.password_wrong     400
├── NotFound          access.not_found          404  (also what another workspace's things look like)
├── ProviderFailed    access.provider_failed    502
└── TooManyAttempts   access.too_many_attempts  429
"""

from __future__ import annotations

from flowapp.errors import FlowappError


class AccessError(FlowappError):
    """Base of all refusals."""

    code = "access.refused"
    status = 403


class NotSignedIn(AccessError):
    """No valid session or token came with the request."""

    code = "access.not_signed_in"
    status = 401


class SignInFailed(AccessError):
    """The sign-in token is unknown, used or expired; which of them is not told."""

    code = "access.sign_in_failed"
    status = 401


class NotAllowed(AccessError):
    """The role does not include the action."""

    code = "access.not_allowed"
    status = 403


class WrongOrigin(AccessError):
    """A request with a cookie came from another site's page."""

    code = "access.wrong_origin"
    status = 403


class ScopeInvalid(AccessError):
    """The text is not a scope that a token can have."""

    code = "access.scope_invalid"
    status = 400


class PasswordInvalid(AccessError):
    """Too short or too long to be a password."""

    code = "access.password_invalid"
    status = 400


class PasswordWrong(AccessError):
    """Whoever asks to change a password does not know the present one. Not 401: they stay signed in."""

    code = "access.password_wrong"
    status = 400


class NotFound(AccessError):
    """Nothing of that name that this identity may know of."""

    code = "access.not_found"
    status = 404


class ProviderFailed(AccessError):
    """The identity provider refused, does not answer, or says what cannot be trusted."""

    code = "access.provider_failed"
    status = 502


class TooManyAttempts(AccessError):
    """Too many sign-in attempts from one address or in all."""

    code = "access.too_many_attempts"
    status = 429

    def __init__(self, message: str, hint: str = "", *, retry_after_s: int = 60) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s
