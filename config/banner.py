"""What the operator reads when the shop is open."""

from config.demo import Welcome

IMAGE_FILE = "lighthouse.jpeg"
POLLS = 60
PAYS = {"till": "packs are paid at a till that moves no money", "stripe": "packs are paid at Stripe"}


def opened(public_url: str, welcome: Welcome | None, *, serves_live_keys: bool, pays: str) -> str:
    """`pays`: where packs are paid, one of PAYS; "" nowhere."""
    lines = ["", f"Tintype is open: {public_url}"]
    if welcome is not None:
        lines += ["", *_first_steps(public_url, welcome, pays=pays)]
    elif serves_live_keys:
        lines.append("Your data from before is kept.")
    else:
        lines.append("Customers are made with: manage.py create_organization NAME --owner EMAIL --credits N")
    if not serves_live_keys:
        lines.append(
            f"Live keys get 503 until an upstream is set up at {public_url}/admin/, by whom manage.py createsuperuser"
            " made an operator; test keys work. DEMO=1 tries everything with the sandbox."
        )
    return "\n".join([*lines, "Ctrl-C stops it.", ""])


def _first_steps(public_url: str, welcome: Welcome, *, pays: str) -> list[str]:
    return [
        "Shown once, so keep them:",
        f"  owner      {welcome.owner_email}",
        f"  password   {welcome.password}",
        f"  operator   {public_url}/admin/ (the same owner and password)",
        *([f"  credits    {public_url}/credits/ ({PAYS[pays]})"] if pays else []),
        f"  live key   {welcome.live_key}",
        f"  test key   {welcome.test_key}",
        "",
        f"Your first image, as {IMAGE_FILE} in the folder where you paste these two lines:",
        "",
        _submit(public_url, welcome.live_key),
        _download(public_url, welcome.live_key),
        "",
    ]


def _submit(public_url: str, key: str) -> str:
    return (
        f"TASK=$(curl -sS {public_url}/api/generate -H 'Authorization: Bearer {key}'"
        " -H 'Content-Type: application/json'"
        """ -d '{"prompt":"a lighthouse at dusk","aspect_ratio":"16:9"}'"""
        " | grep -o 'task_[0-9A-Za-z]\\{8,\\}' | head -n 1)"
    )


def _download(public_url: str, key: str) -> str:
    return (
        f"for i in $(seq {POLLS}); do"
        f""" URL=$(curl -sS "{public_url}/api/status?task_id=$TASK" -H 'Authorization: Bearer {key}'"""
        """ | grep -o 'http[^"]*/i/[^"]*' | head -n 1);"""
        f""" [ -n "$URL" ] && curl -sS -o {IMAGE_FILE} "$URL" && break; sleep 1; done"""
    )
