"""Everything that people read, in their language: one Fluent file for each, found by listing this folder.

A third language is one more file, `LANGUAGE.ftl`, and nothing else. How to write one is in Fluent's own guide
(https://projectfluent.org/fluent/guide); `tests/tidy/test_languages.py` finds what is missing or malformed.
Texts of messages are Telegram's HTML, and whatever is put into them is escaped; texts of buttons are plain.
"""

from actors.words.languages import Languages, MalformedWords, all_languages, languages, words_in
from actors.words.words import Recipient, Value, Words
from actors.words.writing import Data, write_language

__all__ = [
    "Data",
    "Languages",
    "MalformedWords",
    "Recipient",
    "Value",
    "Words",
    "all_languages",
    "languages",
    "words_in",
    "write_language",
]
