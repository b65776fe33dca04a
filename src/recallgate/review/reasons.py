"""Codes of decisions in plain sentences."""

from recallgate.review.words import Words

# The longest code that begins a given one explains it.
SENTENCES: dict[str, Words] = {
    "allow": Words("Nothing stood against it.", "没有任何阻碍。"),
    "cancelled": Words("It was taken back before it left.", "发送前被取消。"),
    "cap": Words("The person had received as much as the frequency cap allows.", "该用户已达到频次上限。"),
    "cap.min_gap": Words("The last message to this person was too recent.", "距上一条消息间隔过短。"),
    "consent": Words("There is no valid consent for this channel and topic.", "缺少该渠道与主题的有效同意。"),
    "consent.withdrawn": Words("The person withdrew the consent.", "用户已撤回同意。"),
    "exit": Words("The person's way through the play had ended.", "该用户的流程已结束。"),
    "exit.already_returned": Words("The person had already come back.", "该用户已经回流。"),
    "expired": Words("It would have come too late to be of use.", "已超过有效期，发出也无意义。"),
    "expired.by_cap": Words("The frequency cap would have let it go only after it expired.", "频次上限放行时已过有效期。"),
    "expired.by_quiet_hours": Words("The allowed hours would have begun only after it expired.", "允许时段开始前已过有效期。"),
    "expiry.not_before": Words("It is not to leave before its time.", "未到设定的最早发送时间。"),
    "holdout": Words(
        "The person is held out: kept without contact to measure the effect.", "该用户属于对照组，不触达以衡量效果。"
    ),
    "holdout.global": Words("The person is in the holdout of all campaigns.", "该用户属于全局对照组。"),
    "no_channel_left": Words("Every channel of the step was closed to this person.", "该步骤的所有渠道均不可用。"),
    "offer.budget_exhausted": Words("The budget of the offer was spent.", "优惠预算已用完。"),
    "offer.expired": Words("The offer had ended.", "优惠已结束。"),
    "offer.pool_exhausted": Words("No code of the offer was left.", "优惠码已发完。"),
    "pause": Words("The campaign, account or channel was paused.", "活动、账号或渠道处于暂停状态。"),
    "pruned": Words("Several campaigns in a row did not bring this person back.", "该用户连续多次召回未果，已停止触达。"),
    "quiet_hours": Words("It was outside the allowed hours at the recipient's place.", "超出收件人当地的允许时段。"),
    "quiet_hours.holiday": Words("It was a holiday on which no marketing may be sent.", "当天为不得营销的节假日。"),
    "quiet_hours.no_common_window": Words("No hour is allowed by all rules at once.", "没有同时满足所有规则的时段。"),
    "refusal_cooldown": Words("The person had refused recently on this channel.", "该用户近期在此渠道拒绝过，处于冷却期。"),
    "region": Words("This channel may not be used for the recipient's region.", "该渠道不得用于收件人所在地区。"),
    "report": Words("The vendor reported that it did not arrive.", "服务商回执显示未送达。"),
    "report.busy": Words("The line was busy.", "对方占线。"),
    "report.no_answer": Words("Nobody picked up.", "无人接听。"),
    "stale": Words("It had waited too long for its turn.", "排队过久，已失去时效。"),
    "stale.rate_limit": Words("The rate limit would have let it go too late.", "限速导致排队过久。"),
    "suppressed": Words("The address or person is not to be written to.", "该地址或用户已被屏蔽。"),
    "suppressed.before_intent": Words("An opt-out or a pause came in just before it left.", "发送前收到退订或暂停。"),
    "suppressed.complaint": Words("The person had complained about an earlier message.", "该用户曾投诉过以往消息。"),
    "suppressed.dnc_registry": Words("The number is on a do-not-call registry.", "号码在拒接登记名单中。"),
    "suppressed.hard_bounce": Words("An earlier message to this address bounced for good.", "该地址曾永久退信。"),
    "suppressed.hopeless": Words(
        "Several campaigns in a row did not bring this person back.", "该用户连续多次召回未果，已停止触达。"
    ),
    "suppressed.invalid": Words("The address does not exist.", "地址无效。"),
    "suppressed.manual": Words("Somebody put the address on the list by hand.", "被人工列入屏蔽名单。"),
    "suppressed.opt_out": Words("The person had opted out.", "该用户已退订。"),
    "suppressed.region_block": Words("The region is blocked.", "该地区已被屏蔽。"),
    "uncertain": Words(
        "It was perhaps sent: the request left, and no readable answer came.", "可能已发出：请求已送出但未收到可读的答复。"
    ),
    "unschedulable": Words("No instant satisfies all rules.", "没有满足所有规则的时刻。"),
    "attempts": Words("It was tried as often as allowed, and never taken.", "已达最大尝试次数，始终未被接收。"),
    "content": Words("The text broke a rule of content.", "内容不符合规则。"),
    "no_account": Words("No account serves this channel.", "没有可用于该渠道的账号。"),
    "poison": Words("The stored message could not be read or judged.", "已存消息无法读取或判定。"),
    "retry": Words("The vendor did not take it yet; it will be tried again.", "服务商暂未接收，将再次尝试。"),
    "vendor": Words("The vendor did not take it.", "服务商未接收。"),
    "vendor.auth": Words("The vendor did not accept our credentials.", "服务商拒绝了我们的凭证。"),
    "vendor.blocked_content": Words("The vendor blocked the text.", "内容被服务商拦截。"),
    "vendor.insufficient_funds": Words("The account at the vendor was empty.", "服务商账户余额不足。"),
    "vendor.invalid_recipient": Words("The vendor says that the address does not exist.", "服务商称该地址无效。"),
    "vendor.invalid_sender": Words("The vendor did not accept the sender.", "发送方不被服务商接受。"),
    "vendor.opted_out": Words("The vendor says that the person had opted out.", "服务商称该用户已退订。"),
    "vendor.payload_too_large": Words("It was too large for the vendor.", "内容超出服务商的长度限制。"),
    "vendor.template_or_signature": Words("Template or signature are not approved.", "模板或签名未通过审核。"),
    "vendor.unregistered_token": Words("The app is no longer installed on the device.", "设备上的应用已卸载，推送令牌失效。"),
    "vendor.unsupported_region": Words("The vendor does not send to this region.", "服务商不支持该地区。"),
}
UNEXPLAINED = Words("A reason of the app or of the vendor.", "由应用或服务商给出的原因。")


def sentence_of(code: str) -> Words:
    """The sentence for a code or for the longest part of it, from its beginning, that is known."""
    parts = code.split(".")
    for length in range(len(parts), 0, -1):
        if (found := SENTENCES.get(".".join(parts[:length]))) is not None:
            return found
    return UNEXPLAINED
