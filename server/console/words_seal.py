"""Words of a seal's page."""

PAIRS: dict[str, tuple[str, str]] = {
    "title_seal": ("封存", "Seal"),
    "seal_missing": ("没有这个封存，或它不在你负责的县区。", "No such seal, or not one of your counties."),
    "seal_missing_next": (
        "核对编号 {id} 有没有抄漏；属于别的县区时，请那里的值班人员看，或请管理员把县区加给你。",
        (
            "Check whether the number {id} is complete; if it is another county's, ask its staff, or have an administrator "
            "add that county to your account."
        ),
    ),
    "days": ("{days}\u2009天", "{days}\u2009d"),
    "days_hours": ("{days}\u2009天 {hours}\u2009小时", "{days}\u2009d {hours}\u2009h"),
    "now_at": ("{state} {power}", "{state} {power}"),
    "catalogue": ("淘汰目录 {item}", "catalogue {item}"),
    "credit_code": ("统一社会信用代码 {code}", "credit code {code}"),
    "see_violation": ("看违规 {id}", "See {id}"),
    # the sentence
    "seal.day": ("封存第 {n} 天：", "Day {n} under seal: "),
    "seal.over": ("封存共 {n} 天，已于 {date} 结束：", "{n} days under seal, ended {date}: "),
    "seal.ahead": ("封存从 {time} 开始，还没有要证实的时间。", "The seal begins {time}; there is nothing to prove yet."),
    "seal.shares": (
        "证实断电 {off}，未证实 {unproved}，证实用电 {on}。",
        "{off} proved off, {unproved} unproved, {on} proved on.",
    ),
    "seal.never_broken": ("没有违规。", " No violation."),
    "seal.broken": ("违规 {n} 起，最近 {time}。", " Violations: {n}, the last {time}."),
    "seal.left": ("拆除还剩 {n} 天。", " {n} days left to dismantle it."),
    "seal.last_day": ("今天是拆除期限。", " Today is the deadline for dismantling."),
    "seal.late": ("拆除期限已过 {n} 天。", " The deadline for dismantling passed {n} days ago."),
    "seal.no_deadline": ("拆除期限没有登记。", " No deadline for dismantling is registered."),
    # steps so far
    "steps_so_far": ("封存到现在", "So far"),
    "stage.sealed": ("封存", "Sealed"),
    "stage.paper": ("封条", "Paper seals"),
    "stage.pledge": ("承诺", "Pledge"),
    "stage.published": ("公告", "Published"),
    "stage.monitored": ("监测开始", "Monitored"),
    "stage.today": ("封存期", "Under seal"),
    "stage.dismantle": ("拆除", "Dismantling"),
    "stage.until": ("封存结束", "Seal ends"),
    "stage.missing": ("未登记", "not registered"),
    "stage.pieces": ("{n} 个", "{n}"),
    "stage.from": ("{first} 等", "{first} and more"),
    "stage.allowed": ("上限 {power}", "up to {power}"),
    "stage.signed_by": ("签字 {name}", "signed {name}"),
    "stage.page": ("公告网页", "web page"),
    "stage.first_row": ("第一个入库读数", "first stored reading"),
    "stage.nothing_heard": ("还没有读数", "no reading yet"),
    "stage.day": ("第 {n} 天", "day {n}"),
    "stage.not_begun": ("还没有开始", "not begun"),
    "stage.violations": ("违规 {n}", "violations {n}"),
    "stage.windows": ("检修申报 {n}", "declared windows {n}"),
    "stage.by": ("限 {date}", "by {date}"),
    "stage.left": ("还有 {n} 天", "{n} days left"),
    "stage.late": ("已过 {n} 天", "{n} days late"),
    "stage.last_day": ("今天到期", "due today"),
    # coverage and register
    "calendar": ("每天的覆盖", "Coverage of each day"),
    "calendar_note": (
        "一格一天，自下而上按时长分：用电、未证实、断电",
        "one cell a day, from below by time: on, unproved, off",
    ),
    "register": ("电能表止码", "Energy register"),
    "register_note": ("有功总电能，封存期内只应是一条平线", "total active energy: under seal it should stay level"),
    "live_curve": ("功率曲线", "Power"),
    # meters and agents
    "meter_and_agent": ("电表与采集端", "Meter and agent"),
    "meter_none": ("这个封存还没有登记电表。", "No meter is registered at this seal."),
    "meter_none_next": (
        "在封存文件里写上电表，再运行 coldseal seal add。",
        "Write the meter into the seal's file and run coldseal seal add.",
    ),
    "meter.model": ("型号", "Model"),
    "meter.role": ("用途", "Role"),
    "meter.serial": ("表号", "Serial"),
    "meter.firmware": ("固件", "Firmware"),
    "meter.ratio": ("变比", "CT ratio"),
    "meter.supply": ("电表供电", "Supply"),
    "meter.aux": ("辅助电源", "auxiliary"),
    "meter.self": ("取自所测线路", "from the measured line"),
    "meter.now": ("现在", "Now"),
    "meter.sampling": ("采样", "Sampling"),
    "meter.every": ("每 {period}，{n} 个量", "every {period}, {n} quantities"),
    "meter.agent": ("采集端", "Agent"),
    "meter.key": ("密钥", "Key"),
    "meter.release": ("程序版本", "Release"),
    "meter.revoked": ("已收回", "revoked"),
    "meter.heard": ("最近听到", "Last heard"),
    "role.furnace": ("炉子", "furnace"),
    "role.incomer": ("进线", "incomer"),
    "role.aux": ("辅机", "auxiliaries"),
    "role.water": ("冷却水", "cooling water"),
    "role.seal_contact": ("封条触点", "seal contact"),
    # wiring
    "wiring": ("接线", "Wiring"),
    "wiring_note": ("按登记的断开位置画", "drawn from the registered break"),
    "wiring.supply": ("电源", "supply"),
    "wiring.transformers": ("互感器", "CT"),
    "wiring.ratio": ("变比 {ratio}", "ratio {ratio}"),
    "wiring.meter": ("电表", "meter"),
    "wiring.break": ("断开处", "break"),
    "wiring.seals": ("封条 {first} 等 {n} 个", "{first}, {n} in all"),
    "wiring.downstream": (
        "断开处在电表下游：电表一直有电，电压与频率仍在，0 kW 由活表读出，本身就是断电的证据。",
        (
            "The break is downstream of the meter: the meter stays alive, voltage and frequency remain, and the 0 kW that "
            "it reads is itself the proof."
        ),
    ),
    "wiring.upstream_aux": (
        "断开处在电表上游，电表另有辅助电源：它读到馈线无电，就证实断电；电压一回来就报「重新带电」。",
        (
            "The break is upstream of the meter, which has an auxiliary supply: a feeder that it reads as dead is proved "
            "off; voltage that comes back is raised as energised."
        ),
    ),
    "wiring.upstream_dead": (
        (
            "断开处在电表上游，电表靠所测线路供电：断开后电表也没电，它的沉默什么也不证明，这段时间记为未证实，"
            "除非电能寄存器后来补证；它一醒来就报「重新带电」。"
        ),
        (
            "The break is upstream of a meter that lives from the measured line: it is dead too, and its silence proves "
            "nothing. That time is unproved unless the energy register closes it later; its waking is raised as energised."
        ),
    ),
    "wiring.volts": ("相电压", "Phase voltages"),
    "wiring.hertz": ("频率", "Frequency"),
    "wiring.read": ("读于", "Read"),
    # paper seals, violations, windows
    "papers": ("封条", "Paper seals"),
    "papers_none": ("没有登记封条号码。", "No numbers of paper seals are registered."),
    "past": ("违规", "Violations"),
    "past_none": ("封存以来没有违规。", "No violation since it was sealed."),
    "past_newest": ("最近 {shown} 起，共 {n} 起", "the newest {shown} of {n}"),
    "past_all": ("{n} 起", "{n}"),
    "past.when": ("开始", "Since"),
    "past.what": ("违规", "Violation"),
    "past.lasted": ("时长", "Lasted"),
    "past.energy": ("电量", "Energy"),
    "past.on": ("仍在", "goes on"),
    "windows": ("申报的检修", "Declared maintenance"),
    "windows_none": ("没有申报检修。", "No maintenance is declared."),
    "windows.from": ("起", "From"),
    "windows.to": ("止", "To"),
    "windows.limit": ("电量上限", "Up to"),
    "windows.why": ("事由", "Reason"),
    "windows.no_limit": ("不限", "no limit"),
    "windows.past": ("已过", "past"),
    "windows.now": ("正在", "now"),
    "windows.ahead": ("将来", "ahead"),
}  # fmt: skip
