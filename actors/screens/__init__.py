"""From a fact to what a person sees: a file for each topic puts words, buttons and pictures together.

The words themselves are in `actors/words`, a file for each language. Buttons carry what they mean (`show:plans`,
`buy:plan:month:stars`), never a position or a session, so a button of any age still works or is answered politely.
"""

from actors.screens.screen import screen
from actors.screens.shop import Shop, address_of, links_of

__all__ = ["Shop", "address_of", "links_of", "screen"]
