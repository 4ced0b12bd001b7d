"""Keeping a user out from single addresses: on real Xray, with real clients."""

from pathlib import Path

from integrations.xray.driver import open_driver
from tests.fixtures.downloads import open_client, open_endless_site
from tests.fixtures.xray import new_user, open_tls_site, plain_node, reality_node, running

FIRST, SECOND = "127.0.0.2", "127.0.0.3"


async def test_a_user_is_refused_from_one_address_and_nobody_else_is_nor_they_from_another(
    tmp_path: Path,
) -> None:
    node = plain_node(tmp_path)
    async with running(node, tmp_path), open_endless_site() as site:
        ann, bob = new_user(node, "s1"), new_user(node, "s2")
        async with open_driver(node) as driver:
            await driver.ensure(ann)
            await driver.ensure(bob)
        async with (
            open_client(node, ann.uuid, site, tmp_path, source=FIRST) as anns,
            open_client(node, ann.uuid, site, tmp_path, source=SECOND) as others,
            open_client(node, bob.uuid, site, tmp_path, source=SECOND) as bobs,
        ):
            async with open_driver(node) as driver:
                begun = await others.download()
                assert await driver.keep_out({("s1", SECOND)})
                assert await others.is_refused()
                for client in (anns, bobs):
                    await (await client.download()).goes_on()
                await begun.goes_on()
                assert await driver.keep_out({("s1", SECOND), ("s2", FIRST)}), "what is there stays"
                assert await others.is_refused()
            # Another driver finds what the last one left, and takes it back.
            async with open_driver(node) as driver:
                assert await driver.keep_out(())
                await (await others.download()).goes_on()


async def test_it_works_under_reality_with_vision_too(tmp_path: Path) -> None:
    async with open_tls_site() as target, open_endless_site() as site:
        node, private = reality_node(tmp_path, target)
        async with running(node, tmp_path, private), open_driver(node) as driver:
            ann = new_user(node, "s1")
            await driver.ensure(ann)
            async with open_client(node, ann.uuid, site, tmp_path, source=SECOND) as client:
                await (await client.download()).goes_on()
                await driver.keep_out({("s1", SECOND)})
                assert await client.is_refused()
                await driver.keep_out(())
                await (await client.download()).goes_on()
