"""What the ledger and the lifecycle should do, as plain numbers: no database, no transaction, no lock."""

from dataclasses import dataclass, field

PRICE = 12  # a multiple of every number of images
OPEN_LIMIT = 3
LIFETIME_CAP = 72
MAX_CLAIMS = 3


@dataclass
class Task:
    live: bool
    status: str = "queued"
    n: int = 1
    claim: int = 0
    submitted: bool = False
    lease_over: bool = False
    overdue: bool = False
    attempts: list[str] = field(default_factory=list)  # outcomes by number, "" while unknown
    delivered: int = 0
    kept: int = 0  # images that wait for those that are missing
    following: int = 0  # the first of those
    kept_by: set[int] = field(default_factory=set)  # the claims that brought those
    delivered_by: int = 0  # the claim that brought the last ones

    @property
    def is_open(self) -> bool:
        return self.status in ("queued", "running")

    def is_held_by(self, claim: int) -> bool:
        """Whether the worker with this claim still has it."""
        return self.status == "running" and self.claim == claim


@dataclass
class Books:
    """One organization's wallet, one live and one test key, and their tasks by id."""

    available: int = 0
    held: int = 0
    owed: int = 0
    value: int = 0
    open_tasks: int = 0
    open_test_tasks: int = 0
    spent: int = 0
    tasks: dict[int, Task] = field(default_factory=dict)
    idempotency: dict[tuple[bool, str], tuple[int, int]] = field(default_factory=dict)  # -> task, body

    # --- Credits --------------------------------------------------------------------------------

    def move(self, kind: str, credits: int, value: int) -> bool:
        """Whether this is to make an entry."""
        if kind == "take":
            return self.take(credits)
        if kind == "claw_back":
            self.claw_back(credits, value)
        else:
            self.add(credits, value if kind == "top_up" else 0)
        return True

    def add(self, credits: int, value: int) -> None:
        kept = credits - self._repay(credits)
        self.available += kept
        self.value += value * kept // credits

    def take(self, credits: int) -> bool:
        taken = min(credits, self.available)
        self._consume(taken)
        self.available -= taken
        return taken > 0

    def claw_back(self, credits: int, value: int) -> None:
        taken = min(credits, self.available)
        self.available -= taken
        self.owed += credits - taken
        self.value -= min(value, self.value)

    def _repay(self, credits: int) -> int:
        repaid = min(credits, self.owed)
        self.owed -= repaid
        return repaid

    def _consume(self, credits: int, *, repaid: int = 0) -> None:
        """The value that leaves with these credits, which are still counted in available or held."""
        if credits == 0:
            return
        before = self.available + self.held
        leaves = self.value if before - credits - repaid == 0 else self.value * credits // before
        self.value -= leaves

    # --- Tasks ----------------------------------------------------------------------------------

    def refusal(self, *, live: bool) -> str | None:
        """The machine word of why an order is refused now."""
        if not live:
            return "too_many_open_tasks" if self.open_test_tasks >= OPEN_LIMIT else None
        if self.open_tasks >= OPEN_LIMIT:
            return "too_many_open_tasks"
        if self.spent + PRICE > LIFETIME_CAP:
            return "spend_cap_reached"
        if self.owed:
            return "payment_owed"
        return "insufficient_credits" if self.available < PRICE else None

    def accept(self, task_id: int, *, live: bool, n: int) -> None:
        self.tasks[task_id] = Task(live, n=n)
        if not live:
            self.open_test_tasks += 1
            return
        self.available -= PRICE
        self.held += PRICE
        self.open_tasks += 1
        self.spent += PRICE

    def keep(self, task: Task, images: int, brought: int) -> None:
        task.status, task.submitted, task.lease_over = "queued", False, False
        task.kept += images
        task.following += brought
        task.kept_by.add(task.claim)

    def end(self, task: Task, status: str, *, delivered: int = 0) -> None:
        if status == "canceled":
            task.kept, task.kept_by = 0, set()
        if delivered:
            task.delivered_by = task.claim
        delivered += task.kept
        task.status, task.delivered = "succeeded" if delivered else status, delivered
        if not task.live:
            self.open_test_tasks -= 1
            return
        consumed = PRICE * delivered // task.n
        returned = PRICE - consumed
        repaid = min(returned, self.owed)
        self._consume(consumed, repaid=repaid)
        self._repay(returned)
        self.held -= PRICE
        self.available += returned - repaid
        self.open_tasks -= 1
        self.spent -= returned

    def hand_back(self, task: Task) -> None:
        if task.claim >= MAX_CLAIMS * (1 + task.following):
            self.end(task, "failed")
        else:
            task.status, task.submitted, task.lease_over = "queued", False, False

    def sweep(self) -> None:
        for task in self.tasks.values():
            if task.is_open and task.overdue:
                self.end(task, "failed")
        for task in self.tasks.values():
            if task.status == "running" and task.lease_over:
                self.hand_back(task)
