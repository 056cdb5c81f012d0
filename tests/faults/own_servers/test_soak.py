"""Faults of every kind at random, on PostgreSQL and Valkey, under load."""

import random

from tests import scale
from tests.faults.chaos import faults_of_processes, faults_of_servers
from tests.faults.soak import new_seed, soak
from tests.servers import Servers
from tests.shop import RunningShop
from tests.upstream.running import RunningUpstream


def test_random_faults_lose_nothing_and_settle_everything_once(
    shop: RunningShop, own_servers: Servers, upstream: RunningUpstream
) -> None:
    seed = new_seed()
    chance = random.Random(seed)
    faults = faults_of_processes(shop, upstream, chance) | faults_of_servers(own_servers, chance)
    soaked = soak(shop, seed, faults)
    scale.record("soak", soaked.faults, "faults")
    scale.record("soak: load", soaked.requests_per_second, "requests/s")
    scale.record("soak: accepted, ended and settled once", soaked.accepted, "orders")
    scale.record("soak: delivered", soaked.delivered, "orders")
    scale.record("soak: last answer to no open order", soaked.tail_s, "s", 30)
