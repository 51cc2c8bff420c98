"""Words of the frame that every page stands in: top bar, keys, steps, ages, what went wrong."""

PAIRS: dict[str, tuple[str, str]] = {
    # top bar
    "pages": ("页面", "Pages"),
    "duty": ("值班", "Duty"),
    "unseen_n": ("未确认 {n}", "Unacknowledged {n}"),
    "find": ("查找 企业、封存号、表号", "Find enterprise, seal, meter"),
    "your_counties": ("你能看到的县区", "The counties that you see"),
    "every_county": ("全部县区", "All counties"),
    "some_counties": ("{first}等 {n} 个县区", "{first} and others, {n} counties"),
    "sound": ("声音", "Sound"),
    "sound_on": ("开", "on"),
    "sound_off": ("关", "off"),
    "sound_waits": ("点一下即开", "after a click"),
    "beijing_time": ("北京时间", "Beijing time"),
    "other_language": ("English", "中文"),
    "own_password": ("改密码", "Change your password"),
    "sign_out": ("退出", "Sign out"),
    "cut": ("与服务器的连接断了，正在重连。", "The line to the server is cut; trying again."),
    "dismiss_message": ("收起这条提示", "Dismiss this message"),
    # keys
    "help": ("按键", "Keys"),
    "help_find": ("查找封存", "find a seal"),
    "help_help": ("这张表", "this list"),
    "help_close": ("关上对话框", "close a dialog"),
    "help_acknowledge": ("确认", "acknowledge"),
    "help_reason": ("确认并写理由", "acknowledge with a reason"),
    "help_dispatch": ("派单给人", "dispatch to a person"),
    "help_comment": ("写批注", "write a comment"),
    "help_confirm": ("核实为违规", "confirm"),
    "help_dismiss": ("排除", "dismiss"),
    "help_close_violation": ("关闭违规", "close the violation"),
    "help_typing": (
        "按键点的就是页面上带这个字的按钮；正在打字时不起作用。",
        "A key presses the button that carries it; while you type it is a letter.",
    ),
    "close_sheet": ("关上", "Close"),
    # steps by hand
    "steps": ("处理", "Steps"),
    "do.acknowledge": ("确认", "Acknowledge"),
    "do.dispatch": ("派单", "Dispatch"),
    "do.comment": ("批注", "Comment"),
    "do.confirm": ("核实", "Confirm"),
    "do.dismiss": ("排除", "Dismiss"),
    "do.close": ("关闭", "Close"),
    "acknowledge_why": ("写理由", "With reason"),
    "to_whom": ("派给", "To"),
    "nobody_to_send": (
        "这个县区还没有可以派单的人：请管理员建一个监测员或检查员的账号。",
        "Nobody can be sent in this county yet: ask an administrator for the account of a monitor or inspector.",
    ),
    "reason_may": ("理由（可不填）", "Reason (may be left empty)"),
    "reason_needed": ("理由（必填）", "Reason (needed)"),
    "text": ("批注", "Comment"),
    "record": ("记下", "Record"),
    "cancel": ("取消", "Cancel"),
    # what went wrong
    "not_moved": (
        "没有记下：{who} 在 {at} 已把它改为「{state}」。你写的字还在；看处理过程再定。",
        "Not recorded: {who} made it “{state}” at {at}. Your text is kept; look at its life first.",
    ),
    "not_recorded": (
        "没有记下，你写的字还在。原因：{why}",
        "Not recorded; your text is kept. Why: {why}",
    ),
    "forbidden": (
        "没有记下：你的账号没有这项权限。请有权限的同事来做，或请管理员调整。",
        "Not recorded: your account may not do this. Ask a colleague who may, or an administrator.",
    ),
    "store_busy": (
        "数据库暂时不接受读写；页面上是刚才的样子，会自动再试。",
        "The database takes nothing right now; the page shows how it was, and tries again by itself.",
    ),
    "page_broken": (
        "这一页打不开：服务器出了内部错误，已记入日志。数据都在；回值班页，仍不行就告诉管理员。",
        (
            "This page cannot be shown: a mistake in the server, which is in its log. The data is kept; go to the duty "
            "page, and tell an administrator if that does not help."
        ),
    ),
    "broken": (
        "页面不再更新：服务器出了内部错误，已记入日志。数据都在；请重新打开这一页，仍不行就告诉管理员。",
        (
            "This page no longer renews itself: a mistake in the server, which is in its log. The data is kept; open the "
            "page again, and tell an administrator if that does not help."
        ),
    ),
    # finding a seal
    "found_n": ("{n} 台封存", "{n} seals"),
    "found_first": ("，先列 {n} 台；多写几个字就少一些。", "; the first {n} are shown, type more to narrow it."),
    "found_none": (
        "没有这样的封存。换个写法：企业名的一部分、封存号、采集端或电表的名字。",
        "No such seal. Try part of the enterprise's name, the seal's number, or the name of agent or meter.",
    ),
    "found_red": ("有红色违规未关", "red, not closed"),
    "found_amber": ("有黄色违规未关", "amber, not closed"),
    "found_calm": ("无未关违规", "nothing open"),
    # for console.js
    "js.chart_failed": (
        "曲线没取到（{detail}）。数据仍在库里；选短一点的时段，或稍后再选一次。",
        "The curve could not be read ({detail}). The data is kept; choose a shorter time, or choose it again later.",
    ),
    "js.failed_list": (
        "没取到（{detail}）。稍后再试一次。",
        "It could not be read ({detail}). Try again in a moment.",
    ),
    "js.cut_since": (
        "以下是 {time} 的样子；写的字不会丢，连上后自动更新。",
        "What is below is as of {time}; what you typed is kept, and all is renewed when the line is back.",
    ),
    "js.age.s": ("{n}\u2009秒前", "{n}\u2009s ago"),
    "js.age.min": ("{n}\u2009分钟前", "{n}\u2009min ago"),
    "js.age.h": ("{n}\u2009小时前", "{n}\u2009h ago"),
    "js.age.d": ("{n}\u2009天前", "{n}\u2009d ago"),
    "js.age.stale": ("{time} 起无新值", "no value since {time}"),
}  # fmt: skip
