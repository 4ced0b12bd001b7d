"""Telegram on this machine: a Bot API server, the people who use the bot, and a chat page in the browser.

The product talks to it as to Telegram, by another base address. The modules, from the wire inwards:

| module | what it is |
|---|---|
| `server` | puts the parts together as one Starlette application |
| `bot_api`, `methods`, `*_methods`, `parameters`, `keyboards`, `entities`, `files`, `errors` | the bot's door |
| `person_api`, `control_api`, `json_api`, `person`, `views`, `guard`, `page/` | the person's door |
| `service`, `updates`, `webhook`, `callbacks` | what Telegram does between the two |
| `payments`, `till`, `subscriptions`, `cards` | and what it does with money |
| `state`, `events`, `calls`, `wire` | what there is, who is told, what was done, and the objects' shapes |
"""

from integrations.telegram.sandbox.calls import Observer
from integrations.telegram.sandbox.cards import SANDBOX_PROVIDER_TOKEN
from integrations.telegram.sandbox.server import SANDBOX_TOKEN, TelegramSandbox

__all__ = ["SANDBOX_PROVIDER_TOKEN", "SANDBOX_TOKEN", "Observer", "TelegramSandbox"]
