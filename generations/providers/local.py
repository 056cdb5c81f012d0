"""The shop's own GPU. Nothing is sent: a worker of the queue `gpu` claims the order and makes it in its own process
(generations/gpu.py).
"""

from generations.providers.base import AfterCrash, Job
from generations.providers.wire import Account, Adapter, Answer, Request, Response, Unable


class Local(Adapter):
    name = "local"
    title = "This shop's own GPU"
    model = "Tongyi-MAI/Z-Image-Turbo"
    in_house = True
    after_crash = AfterCrash.RESEND  # who made it is gone with what it made, and nobody is billed
    can_stop = True
    max_images = 4

    def waits(self, account: Account) -> bool:
        return True

    def submit(self, account: Account, job: Job) -> Request:
        raise Unable(self.name)

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer:
        raise Unable(self.name)
