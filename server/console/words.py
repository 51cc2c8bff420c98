"""Every word of the console, Chinese first. One pair a line; a test checks that each has both."""

from typing import Literal

Language = Literal["zh", "en"]

HOMES: dict[Language, str] = {"zh": "/", "en": "/en"}
"""One address a language: a page's language is known before it is built."""

PAIRS: dict[str, tuple[str, str]] = {
    # page
    "title": ("ColdSeal 值班", "ColdSeal duty"),
    "unacknowledged_n": ("未确认 {n}", "Unacknowledged {n}"),
    "beijing_time": ("北京时间", "Beijing time"),
    "other_language": ("English", "中文"),
    "sign_out": ("退出", "Sign out"),
    "back": ("返回列表", "Back to the list"),
    "help": ("按键", "Keys"),
    "help_move": ("下一条、上一条", "next, previous"),
    "help_acknowledge": ("确认选中的违规", "acknowledge the selected violation"),
    "help_reason": ("写理由", "write a reason"),
    "help_close": ("关上这张表", "close this list"),
    # lists
    "queue": ("需要处理 {n}", "Needs a person: {n}"),
    "open": ("未确认", "Unacknowledged"),
    "acknowledged": ("已确认", "Acknowledged"),
    "closed": ("已关闭", "Closed"),
    "closed_recent": ("最近关闭", "Closed lately"),
    "queue_empty": ("没有违规需要处理。", "No violation needs a person."),
    "seals": ("封存 {n}", "Seals: {n}"),
    "coverage_today": ("今日证实", "Proved today"),
    "last_value": ("最近读数", "Last value"),
    "no_value": ("无读数", "no value"),
    "empty": ("还没有登记封存的炉子。", "No sealed furnace is registered yet."),
    "empty_next": (
        "在服务器上登记第一台，再启动它的采集端；登记后这里自动出现：",
        "Register the first one on the server, then start its agent; it appears here by itself:",
    ),
    # states: console.md §1
    "state.restarted": ("恢复用电", "Resumed"),
    "state.ended_unseen": ("已停止未看", "Ended unseen"),
    "state.unproved": ("未证实", "Unproved"),
    "state.off": ("证实断电", "Proved off"),
    "state.off_by_register": ("寄存器补证", "Closed by register"),
    "state.on": ("证实用电", "Proved on"),
    # codes: design.md §9
    "code.resumed_power": ("恢复用电", "Power resumed"),
    "code.energised": ("重新带电", "Energised"),
    "code.energy_in_gap": ("间断期内有用电", "Energy in a gap"),
    "code.seal_opened": ("封条打开", "Seal opened"),
    "code.silent": ("采集端失联", "Agent silent"),
    # why time is unproved, or proved otherwise than by a live meter
    "why.no_data": ("没有数据", "no data"),
    "why.meter_dead": ("电表无电", "meter dead"),
    "why.implausible": ("读数互相矛盾", "readings contradict each other"),
    "why.clock_step": ("采集端时钟跳变", "agent's clock stepped"),
    "why.undecided": ("尚未判定", "not decided yet"),
    "why.silent": ("采集端失联", "agent silent"),
    "why.never_reported": ("从未收到数据", "nothing ever came"),
    "why.not_in_force": ("不在封存期内", "seal not in force"),
    "why.timeout": ("电表无应答", "meter does not answer"),
    "why.disconnected": ("电表连接中断", "meter disconnected"),
    "why.busy": ("电表忙", "meter busy"),
    "why.not_available": ("电表说无此值", "meter says not available"),
    "why.not_a_number": ("电表给的不是数", "meter gave no number"),
    "why.out_of_range": ("读数超出可能范围", "value out of range"),
    "why.illegal_address": ("电表无此寄存器", "no such register"),
    "why.illegal_function": ("电表不支持此功能", "function not supported"),
    "why.device_failure": ("电表报故障", "meter reports a failure"),
    "why.bad_reply": ("应答有误", "bad reply"),
    "why.ratio_unknown": ("变比未知", "ratio unknown"),
    "why.not_asked": ("未采集", "not asked"),
    "why.metered": ("活表读数", "read from a live meter"),
    "why.allowed": ("在承诺之内", "within the pledge"),
    "why.dead_feeder": ("馈线无电", "feeder dead"),
    "why.register": ("电能寄存器未走", "register stood still"),
    # one violation
    "kind.mf_coreless": ("中频无芯炉", "MF coreless"),
    "kind.mains_coreless": ("工频无芯炉", "mains coreless"),
    "kind.mains_channel": ("工频有芯炉", "mains channel"),
    "shell.aluminium": ("铝壳", "aluminium shell"),
    "shell.steel": ("钢壳", "steel shell"),
    "seal_no": ("封存 {id}", "Seal {id}"),
    "now": ("现在", "Now"),
    "peak": ("最高", "Peak"),
    "since": ("起于", "Since"),
    "energy": ("已用电量", "Energy"),
    "by_register": ("按电表寄存器", "by the meter's register"),
    "statistic": ("统计量 / 判定线", "Statistic / limit"),
    "detected": ("判出用时", "Detected after"),
    "stored_at": ("入库 {time}", "stored {time}"),
    "false_alarms": ("期望误报", "Expected false alarms"),
    "per_seal_year": ("/封存年", "/ seal year"),
    "goes_on": ("已持续 {span}", "for {span}"),
    "ended_after": ("已停止，历时 {span}", "ended after {span}"),
    "allowed": ("承诺上限", "Pledge allows"),
    "test_line": ("判定线", "Test line"),
    "numbers": ("判定所依据的数", "Numbers behind the verdict"),
    "rule": ("规则", "Rule"),
    "value": ("值", "Value"),
    "limit": ("限", "Limit"),
    "life": ("处理过程", "Life"),
    "life_note": ("每一步有人、有时、有理由", "each step has who, when, why"),
    "step.open": ("开启", "Opened"),
    "step.acknowledged": ("确认", "Acknowledged"),
    "step.closed": ("关闭", "Closed"),
    "step.same": ("加强", "Stronger"),
    "evidence": ("证据", "Evidence"),
    "evidence_note": ("签名与前后链入库时已验", "signature and chain checked when stored"),
    "envelopes": ("信封 {first}–{last}", "envelopes {first}–{last}"),
    "agent": ("采集端 {id}", "Agent {id}"),
    "heard": ("最近听到", "last heard"),
    "never": ("从未", "never"),
    # acting
    "acknowledge": ("确认", "Acknowledge"),
    "close": ("关闭", "Close"),
    "reason": ("理由（确认可不填，关闭必填）", "Reason (needed for closing)"),
    "needs_reason": (
        "没有关闭：关闭要写明理由。在理由栏写一句，再点「关闭」。",
        "Not closed: closing needs a reason. Write one in the field, then press Close again.",
    ),
    "not_moved": (
        "没有记下：这条违规已经不在这一步，别人可能先处理了。你写的理由还在；看下面的处理过程再定。",
        (
            "Not recorded: this violation is no longer at that step; someone may have been first. "
            "Your text is kept; look at its life below."
        ),
    ),
    # one seal
    "seal_sentence": (
        "{name} 现在{state}。今天到现在证实断电 {off}，未证实 {unproved}，证实用电 {on}。",
        "{name} – {state}. Of today so far {off} is proved off, {unproved} unproved, {on} proved on.",
    ),
    "proved_off": ("证实断电", "Proved off"),
    "of_it_register": ("其中寄存器补证 {share}", "of it by the register {share}"),
    "today_so_far": ("今天到现在", "today so far"),
    "rated": ("额定", "Rated"),
    "sealed_since": ("封存自", "Sealed since"),
    "dismantle_by": ("拆除期限", "Dismantle by"),
    "no_deadline": ("未登记", "not registered"),
    "violations_here": ("未关闭的违规", "Violations not closed"),
    "none": ("无", "none"),
    # chart
    "power": ("功率", "Power"),
    "coverage": ("覆盖", "Coverage"),
    "raised_at": ("{time} 判出，迟 {delay}", "{time} raised, {delay} later"),
    "window": ("申报检修", "declared maintenance"),
    "gap_label": ("{state}：{why}", "{state}: {why}"),
    "gap_lasting": ("{state}：{why} {span}", "{state}: {why} {span}"),
    "range.event": ("自动", "Auto"),
    "range.600": ("10 分钟", "10 min"),
    "range.7200": ("2 小时", "2 h"),
    "range.86400": ("24 小时", "24 h"),
    "raw_or_envelope": (
        "每个读数都画；点太多时每格保留最小值与最大值，间断不连线",
        "Every sample is drawn; where there are too many, each bucket keeps its minimum and maximum; gaps stay open",
    ),
    "chart_failed": (
        "曲线没取到（{detail}）。数据仍在库里；选短一点的时段，或稍后再选一次。",
        "The curve could not be read ({detail}). The data is kept; choose a shorter time, or choose it again later.",
    ),
    # ages and lengths of time
    "age.s": ("{n}\u2009秒前", "{n}\u2009s ago"),
    "age.min": ("{n}\u2009分钟前", "{n}\u2009min ago"),
    "age.h": ("{n}\u2009小时前", "{n}\u2009h ago"),
    "age.d": ("{n}\u2009天前", "{n}\u2009d ago"),
    "age.stale": ("{time} 起无新值", "no value since {time}"),
    # signing in
    "sign_in": ("登录", "Sign in"),
    "sign_in_lead": (
        "粘贴管理员给你的令牌。令牌就是你的签名：你的确认和关闭都会记在它的名下。",
        (
            "Paste the token that your administrator gave you. It is your name here: what you acknowledge is recorded "
            "under it."
        ),
    ),
    "token": ("令牌", "Token"),
    "token_wrong": (
        "没有登录：这个令牌不对、已到期或已收回。核对是否粘贴完整；仍不行就请管理员重发。",
        (
            "Not signed in: this token is wrong, over or revoked. Check that all of it was pasted; if so, ask for a new "
            "one."
        ),
    ),
    "link_used": (
        "没有登录：这个一次性链接已用过、已到期或不完整。用令牌登录，或请管理员再给一个链接。",
        (
            "Not signed in: this one-time link was used before, is too old or incomplete. Sign in with a token, or ask for "
            "another link."
        ),
    ),
    "signed_in": ("已登录，正在打开……", "Signed in, opening …"),
    "go_on": ("打开", "Open"),
    "where_token": (
        "没有令牌？启动服务器的终端里有一次性链接；或请有令牌的人给你发一个。",
        "No token? The terminal that started the server shows a one-time link; or ask someone who has one.",
    ),
}  # fmt: skip


class Words:
    """The words of one language.

    Args:
        language: zh or en.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._index = 0 if language == "zh" else 1

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with its places filled."""
        text = PAIRS[key][self._index]
        return text.format(**values) if values else text

    def starting(self, prefix: str) -> dict[str, str]:
        """The texts whose keys start so, without the prefix: for scripts, which know no language."""
        return {key.removeprefix(prefix): pair[self._index] for key, pair in PAIRS.items() if key.startswith(prefix)}

    def why(self, reason: str) -> str:
        """Why time is unproved or proved: coverage's reason, or a finding's code."""
        for key in (f"why.{reason}", f"code.{reason}"):
            if key in PAIRS:
                return self(key)
        return reason
