"""Telegram: the bot on Trio, updates in, messages out, their pace, and a sandbox Bot API server."""
