"""From a command to its decision: the one place that knows which function decides what."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec

from domain import (
    access,
    administration,
    broadcasts,
    codes,
    commands,
    devices,
    keys,
    notices,
    outbox,
    payments,
    people,
    purchases,
    refunds,
    reminding,
    renewal,
    renewing,
    reviews,
    screens,
    switches,
    usage,
)
from domain.commands import Command
from domain.draft import Draft
from domain.entities import Answer

R = TypeVar("R")

_DECISIONS: dict[type[Command[Any]], Callable[..., object]] = {
    commands.RecordUpdates: outbox.record_updates,
    commands.PutAside: outbox.put_aside,
    commands.FinishUpdate: outbox.finish_update,
    commands.ClaimMessages: outbox.claim,
    commands.ReleaseMessages: outbox.release,
    commands.AbandonMessages: outbox.abandon,
    commands.DropMessages: outbox.drop,
    commands.SettleMessage: outbox.settle,
    commands.Show: screens.show,
    commands.Choose: people.choose,
    commands.TellRefusal: people.tell_refusal,
    commands.MarkUnreachable: people.mark_unreachable,
    commands.Start: codes.start,
    commands.EnterCode: codes.enter_code,
    commands.StartTrial: codes.start_trial,
    commands.StartPurchase: purchases.start_purchase,
    commands.AttachInvoice: purchases.attach_invoice,
    commands.ReportUnavailable: purchases.report_unavailable,
    commands.LapseInvoices: purchases.lapse,
    commands.FinalizePayment: payments.finalize,
    commands.PayFromBalance: payments.pay_from_balance,
    commands.AutoRenew: renewal.auto_renew,
    commands.RenewNow: renewing.renew_now,
    commands.SetAutoRenewal: renewal.set_auto_renewal,
    commands.AskRefund: refunds.ask_refund,
    commands.RecordRefund: refunds.record_refund,
    commands.RefuseRefund: refunds.refuse_refund,
    commands.SettleReview: reviews.settle_review,
    commands.Dispute: reviews.dispute,
    commands.GrantTime: administration.grant_time,
    commands.AdjustBalance: administration.adjust_balance,
    commands.RevokeAccess: administration.revoke_access,
    commands.GiveTraffic: administration.give_traffic,
    commands.ReissueKey: administration.reissue_key,
    commands.Reissue: keys.reissue,
    commands.CreatePromo: administration.create_promo,
    commands.SwitchPromo: administration.switch_promo,
    commands.ExpireSubscriptions: access.expire,
    commands.ConfirmProvisions: access.confirm,
    commands.RemindSubscriptions: reminding.remind,
    commands.CreateBroadcast: broadcasts.create,
    commands.ListRecipients: broadcasts.list_recipients,
    commands.AimBroadcast: broadcasts.aim,
    commands.EditBroadcast: broadcasts.edit,
    commands.SteerBroadcast: broadcasts.steer,
    commands.QueueBroadcast: broadcasts.queue,
    commands.QueueChanges: broadcasts.queue_changes,
    commands.ReportBroadcast: broadcasts.report,
    commands.TellAdmins: notices.tell_admins,
    commands.SetSwitch: switches.set_switch,
    commands.ShowSwitches: switches.show_switches,
    commands.RecordOrphans: access.record_orphans,
    commands.RecordUsage: usage.record,
    commands.RecordOnline: devices.record,
}


def decide(command: Command[R], draft: Draft) -> R:
    """Decide one command on a draft and give its answer; a repeat of a key gets the first answer and changes nothing.

    Whatever it raises is a mistake of ours: the caller drops the draft, and the command alone fails.
    """
    key = command.key()
    if key is not None and (answer := draft.rows.answers.get(key)) is not None:
        outbox.done(draft, getattr(command, "update_id", None))
        return cast("R", msgspec.json.decode(answer.reply, type=command.reply_type))
    if switches.turn_away(command, draft):
        reply = cast("R", None)
    else:
        reply = cast("R", _DECISIONS[type(command)](command, draft))
    if key is not None:
        stored = msgspec.json.encode(reply).decode()
        draft.rows.answers.put(Answer(key, type(command).__name__, stored, draft.now))
    return reply
