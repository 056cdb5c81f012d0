"""The parts of a client, such as `client.generations`; each pair offers the same, blocking and asynchronous."""

from __future__ import annotations

from tintype import _managing, _operations
from tintype._bound import AsyncRunner, Runner, async_paged, awaited, paged, plain
from tintype._steps import Flow, Settings, T


class Resource:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @property
    def settings(self) -> Settings:
        return self._runner.settings

    def run(self, flow: Flow[T]) -> T:
        return self._runner.run(flow)


class AsyncResource:
    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    @property
    def settings(self) -> Settings:
        return self._runner.settings

    async def run(self, flow: Flow[T]) -> T:
        return await self._runner.run(flow)


class Generations(Resource):
    create = plain(_operations.create_generation)
    get = plain(_operations.get_generation)
    list = paged(_operations.list_generations)
    cancel = plain(_operations.cancel_generation)
    receipt = plain(_operations.receipt_of_generation)
    wait = plain(_operations.wait_for_generation)


class AsyncGenerations(AsyncResource):
    create = awaited(_operations.create_generation)
    get = awaited(_operations.get_generation)
    list = async_paged(_operations.list_generations)
    cancel = awaited(_operations.cancel_generation)
    receipt = awaited(_operations.receipt_of_generation)
    wait = awaited(_operations.wait_for_generation)


class Keys(Resource):
    create = plain(_managing.create_key)
    get = plain(_managing.get_key)
    list = paged(_managing.list_keys)
    update = plain(_managing.update_key)
    rotate = plain(_managing.rotate_key)
    revoke = plain(_managing.revoke_key)


class AsyncKeys(AsyncResource):
    create = awaited(_managing.create_key)
    get = awaited(_managing.get_key)
    list = async_paged(_managing.list_keys)
    update = awaited(_managing.update_key)
    rotate = awaited(_managing.rotate_key)
    revoke = awaited(_managing.revoke_key)


class WebhookEndpoints(Resource):
    create = plain(_managing.create_endpoint)
    get = plain(_managing.get_endpoint)
    list = paged(_managing.list_endpoints)
    update = plain(_managing.update_endpoint)
    rotate = plain(_managing.rotate_endpoint)
    test = plain(_managing.send_test)
    delete = plain(_managing.delete_endpoint)


class AsyncWebhookEndpoints(AsyncResource):
    create = awaited(_managing.create_endpoint)
    get = awaited(_managing.get_endpoint)
    list = async_paged(_managing.list_endpoints)
    update = awaited(_managing.update_endpoint)
    rotate = awaited(_managing.rotate_endpoint)
    test = awaited(_managing.send_test)
    delete = awaited(_managing.delete_endpoint)


class WebhookDeliveries(Resource):
    list = paged(_managing.list_deliveries)
    get = plain(_managing.get_delivery)
    replay = plain(_managing.replay_delivery)
    replay_failed = plain(_managing.replay_failed_deliveries)


class AsyncWebhookDeliveries(AsyncResource):
    list = async_paged(_managing.list_deliveries)
    get = awaited(_managing.get_delivery)
    replay = awaited(_managing.replay_delivery)
    replay_failed = awaited(_managing.replay_failed_deliveries)
