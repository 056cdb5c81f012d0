"""What holds of Celery in every installation: it only rings doorbells, the rows are the queue."""

from kombu import Exchange, Queue

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_TASK_DEFAULT_QUEUE = "default"
# Each with an exchange of its own: on a shared one every queue would get every message.
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name) for name in ("default", "poll", "gpu", "webhooks")
]
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a mistyped queue is an error, not a place where work is lost
