-- A person's own choices: a language in place of the one that Telegram tells, and a time zone (IANA), which it never tells.

ALTER TABLE users
    ADD chosen_language text,
    ADD time_zone       text;
