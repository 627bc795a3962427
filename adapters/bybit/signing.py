"""Signatures of Bybit V5: HMAC-SHA256, lower-case hex (docs/protocols/bybit.md#hosts-and-keys)."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def signed_headers(key: str, secret: str, now_ms: int, window_ms: int, payload: str) -> dict[str, str]:
    """Of a REST call. `payload` is its query or its body, exactly as it goes out."""
    return {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": str(now_ms),
        "X-BAPI-RECV-WINDOW": str(window_ms),
        "X-BAPI-SIGN": signature(secret, f"{now_ms}{key}{window_ms}{payload}"),
    }


def stream_login(key: str, secret: str, expires_ms: int) -> list[str | int]:
    """Arguments of the `auth` record of a private stream, good until a time."""
    return [key, expires_ms, signature(secret, f"GET/realtime{expires_ms}")]
