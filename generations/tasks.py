"""Celery's doorbells. They take ids and only call domain code; the rows are the queue of record."""

from celery import shared_task

from accounts.ticks import each_for_itself, one_at_a_time
from generations import gpu, incidents, poller, retention, runner, sweeps, takedown, today


@shared_task(name="generations.tasks.run")
def run(generation_id: int) -> None:
    runner.run(generation_id)


@shared_task(name="generations.tasks.make")
def make(generation_id: int) -> None:
    """For workers with a GPU. Where there is none the ring is dropped: the order stays, and a sweep rings again."""
    if gpu.here() is not None:
        runner.run(generation_id, on_gpu=True)


@shared_task(name="generations.tasks.poll")
def poll() -> None:
    poller.wake()


@shared_task(name="generations.tasks.sum_up_hours")
@one_at_a_time
def sum_up_hours() -> None:
    today.sum_up()


@shared_task(name="generations.tasks.delete_old_images")
@one_at_a_time
def delete_old_images() -> None:
    each_for_itself(sweeps.delete_old_images, retention.apply, takedown.finish_all)


@shared_task(name="generations.tasks.credit_incidents")
@one_at_a_time
def credit_incidents() -> None:
    incidents.run_due()
