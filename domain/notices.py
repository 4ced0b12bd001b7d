"""What administrators are told, once each."""

from domain.commands import TellAdmins
from domain.draft import Draft
from domain.entities import NoticeMark
from domain.outbox import tell


def tell_admins(command: TellAdmins, draft: Draft) -> bool:
    """Write a notice, unless its mark says that it was written before."""
    if command.mark is not None:
        known = draft.rows.notice_marks.get(command.mark)
        if known is not None and known.position >= command.position:
            return False
        draft.rows.notice_marks.put(NoticeMark(command.mark, command.position))
    if command.notice is not None:
        tell(draft, command.chat_id, f"notice:{command.key_of_notice}", command.notice)
    return True
