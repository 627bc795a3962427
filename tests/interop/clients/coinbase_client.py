"""An order's life by the venue's own client, on Coinbase's practice twin. A line of JSON for each step."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import time
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

requests: Any = import_module("requests")
rest: Any = import_module("coinbase.rest")

URL, KEY, SECRET = (os.environ[f"INTEROP_{name}"] for name in ("URL", "KEY", "SECRET"))
PRODUCT = "BTC-USD"


class Plain(requests.adapters.HTTPAdapter):  # type: ignore[misc]  # that library has no types here
    """The client speaks https alone, and the twin does not."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def step(name: str) -> None:
    sys.stdout.write(json.dumps({"step": name}) + "\n")
    sys.stdout.flush()


def wait(holds: Any) -> None:
    """An order is in the lists a moment after it was taken."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def main() -> None:
    private = base64.b64encode(hashlib.sha256(SECRET.encode()).digest()).decode()
    client: Any = rest.RESTClient(api_key=KEY, api_secret=private, base_url=urlsplit(URL).netloc)
    client.session.mount("https://", Plain())
    product = client.get_public_product(PRODUCT).to_dict()
    assert product["price_increment"] == "0.01"
    step("product")
    now = int(client.get_unix_time().to_dict()["epoch_seconds"])
    candles = client.get_public_candles(PRODUCT, str(now - 600), str(now), "ONE_MINUTE").to_dict()["candles"]
    assert len(candles) > 5
    last = float(candles[0]["close"])
    step("bars")
    assert client.get_api_key_permissions().to_dict()["can_trade"]
    assert client.get_accounts().to_dict()["accounts"]
    step("account")
    bought = client.market_order_buy("sdk-1", PRODUCT, base_size="0.01").to_dict()
    assert bought["success"]
    wait(
        lambda: (
            client.get_order(bought["success_response"]["order_id"]).to_dict()["order"]["status"] == "FILLED"
        )
    )
    step("market")
    price = f"{last * 0.9:.2f}"
    rests = client.limit_order_gtc_buy("sdk-2", PRODUCT, "0.01", price).to_dict()["success_response"]

    def listed() -> Any:
        return client.list_orders(order_status="OPEN").to_dict()["orders"]

    wait(lambda: [one["client_order_id"] for one in listed()] == ["sdk-2"])
    step("limit")
    again = client.limit_order_gtc_buy("sdk-2", PRODUCT, "0.01", price).to_dict()["success_response"]
    assert again["order_id"] == rests["order_id"]
    step("same id")
    edited = client.edit_order(rests["order_id"], size="0.02", price=f"{last * 0.91:.2f}").to_dict()
    assert edited["success"]
    step("edit")
    [result] = client.cancel_orders([rests["order_id"]]).to_dict()["results"]
    assert result["success"]
    wait(lambda: not listed())
    [result] = client.cancel_orders([rests["order_id"]]).to_dict()["results"]
    assert not result["success"]
    step("cancel")
    stop = client.stop_limit_order_gtc_sell(
        "sdk-3", PRODUCT, "0.01", f"{last * 0.85:.2f}", f"{last * 0.9:.2f}", "STOP_DIRECTION_STOP_DOWN"
    ).to_dict()
    assert stop["success"], stop
    step("stop")
    second = client.limit_order_gtc_sell("sdk-4", PRODUCT, "0.01", f"{last * 1.1:.2f}").to_dict()
    assert second["error_response"]["error"] == "INSUFFICIENT_FUND"
    step("refusal")
    wait(lambda: client.get_fills().to_dict()["fills"])
    [fill] = client.get_fills().to_dict()["fills"]
    assert (fill["size"], fill["order_id"]) == ("0.01000000", bought["success_response"]["order_id"])
    step("fills")


main()
