"""Words of the door: signing in, one-time links, passwords."""

PAIRS: dict[str, tuple[str, str]] = {
    "door.sign_in": ("登录", "Sign in"),
    "door.enter": ("一次性登录", "One-time sign-in"),
    "door.first_admin": ("第一位管理员", "First administrator"),
    "door.choose_password": ("设定密码", "Choose a password"),
    "door.change_password": ("修改密码", "Change the password"),
    "name": ("用户名", "Name"),
    "name_hint": ("登录时输入：小写字母、数字、点、连字符，如 li.ming。", "Typed to sign in: a-z, 0-9, '.', '-', e.g. li.ming."),
    "shown_as": ("姓名", "Shown as"),
    "shown_as_hint": ("页面和记录上怎么称呼，如 李某。", "How pages and records call the person, e.g. Li Ming."),
    "password": ("密码", "Password"),
    "old_password": ("现在的密码", "Present password"),
    "new_password": ("新密码", "New password"),
    "password_hint": (
        "至少 12 个字符，不含用户名，不是常见密码；几个不相干的词也行。",
        "At least 12 characters, not the name, none of the commonest; a few unrelated words will do.",
    ),
    "again": ("再输一遍", "Once more"),
    "no_account": (
        "没有账户或忘了密码？请管理员发一个一次性链接（coldseal server sign-in 用户名）。",
        "No account, or the password is lost? Ask an administrator for a one-time link (coldseal server sign-in NAME).",
    ),
    "not_signed_in": (
        "没有登录：用户名或密码不对，或账户已停用。核对后再试；连错几次要等一会儿。",
        (
            "Not signed in: name or password is wrong, or the account is disabled. Check both and try again; after a few "
            "wrong ones you must wait."
        ),
    ),
    "locked": (
        "没有登录：错误次数太多。请等 {wait}再试，这期间正确的密码也不受理。已登录的页面不受影响。",
        (
            "Not signed in: too many wrong passwords. Wait {wait}, then try again; until then the right one is not taken "
            "either. Pages that are signed in go on."
        ),
    ),
    "wait_s": ("{n} 秒", "{n} s"),
    "wait_min": ("{n} 分钟", "{n} min"),
    "session_over": (
        "登录已过期或被结束。重新登录后回到刚才的页面。",
        "Your session is over or was ended. Sign in again to come back to where you were.",
    ),
    "link_over": (
        "这个一次性链接已用过、已到期或不完整。用密码登录，或请管理员再给一个链接。",
        (
            "This one-time link was used before, is too old or incomplete. Sign in with your password, or ask an "
            "administrator for another link."
        ),
    ),
    "enter_lead": (
        "这个链接以 {name} 的身份登录，只能用一次。",
        "This link signs in as {name}. It works once.",
    ),
    "enter_as": ("以 {name} 登录", "Sign in as {name}"),
    "first_lead": (
        "这台服务器还没有账户。先设第一位管理员；其他人由他添加。",
        "This server has no account yet. Make the first administrator's; he or she adds the others.",
    ),
    "make_and_enter": ("设定并登录", "Make and sign in"),
    "choose_lead": (
        "为 {shown}（用户名 {name}）设定密码。其他已登录的浏览器会被退出。",
        "Choose the password of {shown} (name {name}). Other browsers that are signed in are signed out.",
    ),
    "keep_and_enter": ("保存并登录", "Keep and sign in"),
    "change_lead": (
        "改好后，其他已登录的浏览器会被退出。",
        "Afterwards other browsers that are signed in are signed out.",
    ),
    "keep": ("保存", "Keep"),
    "back_home": ("返回值班页", "Back to the duty page"),
    "old_wrong": ("没有修改：现在的密码不对。核对后再输。", "Not changed: the present password is wrong. Check it and type it again."),
    "password_differs": ("两遍密码不一样。再输一遍。", "The two passwords differ. Type them again."),
    "weak.short": ("新密码太短：至少 12 个字符。", "The new password is too short: expected at least 12 characters."),
    "weak.long": ("新密码太长：至多 128 个字符。", "The new password is too long: expected at most 128 characters."),
    "weak.name": ("新密码几乎就是用户名。换一个。", "The new password is little else than the name. Choose another one."),
    "weak.common": (
        "这是最常见、最先被试的密码之一。换一个。",
        "The new password is one of those that are tried first. Choose another one.",
    ),
    "name_wrong": (
        "用户名不行：用小写字母、数字、点、连字符，至多 32 个，不能是 coldseal 或 command-line。",
        "This name will not do: use a-z, 0-9, '.', '-', at most 32 characters, not coldseal or command-line.",
    ),
    "shown_as_wrong": ("姓名不行：1 到 40 个字符，一行。", "Shown as: expected 1 to 40 characters on one line."),
    "go_on": ("继续", "Go on"),
}  # fmt: skip
