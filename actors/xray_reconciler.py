"""`xray_reconciler` (W5): has every node compared with the database and put right, in both directions.

It holds no connection to a node: the node's own actor compares and changes (U11). A node that restarted is not kept
waiting for this worker, its actor notices and begins at once. What this worker adds is the rest: orphans, and whatever
went missing without a restart.
"""

from typing import ClassVar, Final

import trio

from actors.environment import Environment
from actors.messages import Compare, Compared
from runtime import Ask, Context, Declined, Iteration, Message, Tick, Unavailable, UnknownActor, Worker

#: Seconds for one node.
_NODE_SECONDS: Final = 20.0

#: Orphans that are removed without an operator's word, in percent of a node's users.
_PERCENT: Final = 10


class XrayReconciler(Worker):
    """Compares all nodes side by side; holds back a removal of too many until an operator confirms it."""

    period: ClassVar[float] = 600.0
    budget: ClassVar[float] = _NODE_SECONDS

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._nodes = [node.name for node in environment.nodes]
        percent = context.settings.get("removes_at_most", _PERCENT)
        assert isinstance(percent, int), "the parser of removes_at_most returns percent"
        self._percent = percent
        #: By node: how many orphans wait for an operator, and how many an operator has confirmed.
        self._held_back: dict[str, int] = {}
        self._confirmed: dict[str, int] = {}

    async def receive(self, message: Message) -> object:
        """Take an operator's word: the name of the node whose orphans may be removed."""
        match message:
            case Ask(body):
                return self._confirm(body.strip())
            case _:
                return await super().receive(message)

    async def tick(self) -> Iteration:
        """Compare every node; a node that does not answer is tried again at the next tick and by its own actor."""
        answered: list[Compared] = []
        async with trio.open_nursery() as nursery:
            for node in self._nodes:
                nursery.start_soon(self._compare, node, answered)
        reason = f"none of {len(self._nodes)} nodes could be compared"
        return Iteration(len(self._nodes), len(answered), reason=reason)

    async def _compare(self, node: str, answered: list[Compared]) -> None:
        question = Compare(self._percent, self._confirmed.get(node, 0))
        try:
            comparison = self.context.ref(f"vpn/{node}/comparison")
            found = await comparison.call(question, timeout=self._budget)
        except (Unavailable, UnknownActor) as error:
            self.context.log.warning("node not compared", node=node, error=str(error))
            return
        answered.append(found)
        self._confirmed.pop(node, None)
        self._judge_orphans(node, found)
        if found.missing or found.orphans:
            self.context.log.warning(
                "node differed",
                node=node,
                missing=found.missing,
                restored=found.restored,
                orphans=found.orphans,
                removed=found.removed,
            )

    def _judge_orphans(self, node: str, found: Compared) -> None:
        kind = f"orphans held back on {node}"
        if not found.held_back:
            self._held_back.pop(node, None)
            self.context.end_alert(kind)
            return
        self._held_back[node] = found.held_back
        self.context.alert(
            kind,
            f"{found.held_back} of {found.users} users of node {node} are not in the database; if the database is "
            f"right, remove them with: turnpike ctl confirm {node}",
        )

    def _confirm(self, node: str) -> str:
        if node not in self._nodes:
            raise Declined(f"no node is named {node!r}; there are {', '.join(self._nodes)}")
        if node not in self._held_back:
            raise Declined(f"nothing is held back on node {node}")
        self._confirmed[node] = self._held_back[node]
        self.context.me.cast(Tick())
        return f"up to {self._held_back[node]} users who are not in the database are removed from node {node} now"
