"""Signing in by an OpenID Connect provider: the authorization code flow with PKCE, state and nonce, by Authlib.

It answers one question: who does the provider say this is? Which account that is, is decided by `workspace.single_sign_on`.
Requests go through `net`: to the issuer's own host and port, and to public addresses.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.common.security import generate_token  # type: ignore[import-untyped]  # ships no types
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from flowapp.access.errors import ProviderFailed
from flowapp.net.client import open_client, open_transport
from flowapp.net.errors import NetError
from flowapp.net.policy import AddressPolicy
from flowapp.settings import OidcSettings

SCOPE = "openid email profile"
_KNOWN_S = 3600.0
_LEEWAY_S = 60
_TIMEOUT_S = 15.0
_MAX_BYTES = 1 << 20
#: With a key that only the provider has. `none`, and those with a secret that others know too, are never taken.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What this browser must come back with: kept in its cookie, sealed."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Who somebody is. `subject` never changes, and is told apart from those of other issuers."""

    subject: str
    email: str
    verified: bool
    name: str


class Provider:
    """One provider. What it says about itself and its keys is asked again after an hour, and keys when a new one is used."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._policy = AddressPolicy().allowing_url(settings.issuer)
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}
        self._asked = -_KNOWN_S

    async def begin(self, redirect_uri: str) -> tuple[str, Attempt]:
        """Where to send the browser, and what it must come back with.

        Raises:
            ProviderFailed: it does not answer, or not as a provider does.
        """
        attempt = Attempt(generate_token(32), generate_token(32), generate_token(64))
        metadata = await self._discover()
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url), attempt

    async def finish(self, redirect_uri: str, code: str, issuer: str, attempt: Attempt) -> Claims:
        """Who the provider says has come back with `code`. The state was compared by who calls.

        Args:
            redirect_uri: the same as for `begin`.
            code: from the address that the browser came back to.
            issuer: `iss` of that address, "" where there was none.
            attempt: what `begin` gave for this browser.

        Raises:
            ProviderFailed: it does not answer, does not know the code, or its token is not good.
        """
        metadata = await self._discover()
        if issuer not in ("", metadata["issuer"]):
            raise ProviderFailed("The answer came from another provider.", "Begin again.")
        try:
            async with self._client(redirect_uri) as client:
                token: Mapping[str, Any] = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                )
                claims = await self._verified(token, attempt.nonce)
                told = dict(claims)
                if not told.get("email") and metadata.get("userinfo_endpoint"):
                    told = {**told, **await self._asked_for(client, metadata, str(claims["sub"]))}
        except OAuthError as error:
            raise ProviderFailed(f"The provider refused: {str(error.error)[:100]}.", "Begin again.") from None
        except (httpx2.HTTPError, NetError, ValueError, KeyError, TypeError) as error:
            raise _silent() from error
        except JoseError as error:
            raise ProviderFailed("The provider's answer cannot be trusted.", "Begin again.") from error
        return Claims(
            subject=f"{claims['iss']} {claims['sub']}",
            email=_text(told.get("email")).strip(),
            verified=told.get("email_verified") is True or told.get("email_verified") == "true",
            name=_text(told.get("name"))[:200],
        )

    async def _asked_for(self, client: Any, metadata: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """Claims that the token left out, of the person whose access token the client holds."""
        answer = await client.get(metadata["userinfo_endpoint"])
        answer.raise_for_status()
        found = answer.json()
        if found.get("sub") != subject:
            raise _silent()
        return {name: found[name] for name in ("email", "email_verified", "name") if name in found}

    async def _verified(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        text = str(token["id_token"])
        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        try:
            decoded = jwt.decode(text, key=await self._key_set(), registry=registry)
        except (InvalidKeyIdError, JoseError):
            # the provider may have a new key since it was asked
            self._keys = {}
            decoded = jwt.decode(text, key=await self._key_set(), registry=registry)
        client_id = self._settings.client_id
        options = {
            "iss": {"essential": True, "value": self._metadata["issuer"]},
            "aud": {"essential": True, "value": client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        params = {"nonce": nonce, "client_id": client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=_LEEWAY_S)
        return dict(claims)

    async def _discover(self) -> Mapping[str, Any]:
        if self._metadata and time.monotonic() - self._asked < _KNOWN_S:
            return self._metadata
        found = await self._json(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(found.get(name), str) for name in needed):
            raise _silent()
        if found["issuer"].rstrip("/") != self._settings.issuer.rstrip("/"):
            raise ProviderFailed(
                f"The provider calls itself {found['issuer'][:200]!r}, which is not FLOWAPP_OIDC_ISSUER.",
                "An admin of the server mends the setting.",
            )
        self._metadata, self._keys, self._asked = found, {}, time.monotonic()
        return found

    async def _key_set(self) -> KeySet:
        if not self._keys:
            self._keys = await self._json(str(self._metadata["jwks_uri"]))
        return KeySet.import_key_set(self._keys)  # type: ignore[arg-type]  # what is no key set is refused there

    async def _json(self, url: str) -> dict[str, Any]:
        try:
            async with open_client(self._policy, timeout_s=_TIMEOUT_S, max_bytes=_MAX_BYTES) as client:
                answer = await client.get(url)
                answer.raise_for_status()
                found = answer.json()
        except (httpx2.HTTPError, NetError, ValueError) as error:
            raise _silent() from error
        if not isinstance(found, dict):
            raise _silent()
        return found

    def _client(self, redirect_uri: str) -> Any:
        methods = self._metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        secret = self._settings.client_secret
        basic = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=secret or None,
            token_endpoint_auth_method=basic if secret else "none",
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            transport=open_transport(self._policy, _MAX_BYTES),
            timeout=_TIMEOUT_S,
            trust_env=False,
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) and "\0" not in value else ""


def _silent() -> ProviderFailed:
    return ProviderFailed("The provider does not answer as it should.", "Try again, or sign in another way.")
