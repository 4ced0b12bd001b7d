"""The fixtures of the whole suite live in `tests/fixtures`, one module for each concern."""

pytest_plugins = [
    "tests.fixtures.requirements",
    "tests.fixtures.campaigns",
    "tests.fixtures.postgres",
    "tests.fixtures.botapi_spec",
]
