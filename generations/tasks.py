"""Celery's doorbells. They take ids and only call domain code; the rows are the queue of record."""

from celery import shared_task

from generations import poller, retention, runner, sweeps, takedown


@shared_task(name="generations.tasks.run")
def run(generation_id: int) -> None:
    runner.run(generation_id)


@shared_task(name="generations.tasks.poll")
def poll() -> None:
    poller.wake()


@shared_task(name="generations.tasks.delete_old_images")
def delete_old_images() -> None:
    sweeps.delete_old_images()
    retention.apply()
    takedown.finish_all()
