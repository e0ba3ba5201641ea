"""Three services behind nginx on one PostgreSQL, under traffic: restarted, killed, without their database."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from behind_nginx import NO_ANSWER, Site, Traffic, until
from nginx import needs_nginx
from posted import rows

pytestmark = [pytest.mark.database, needs_nginx]

GONE_SECONDS = 10
BAD_GATEWAY = 502


def kept(site: Site) -> set[str]:
    """The cards on which feedback is in the database."""
    return {str(card) for (card,) in rows(site.url, "SELECT card FROM feedback")}


def all_is_well(traffic: Traffic, seconds: float = 2) -> bool:
    """Whether for some seconds every call gets cards and all feedback is kept."""
    begun = time.monotonic()
    time.sleep(seconds)
    found = [one for one in traffic.asked if one.began >= begun]
    assert {one.kind for one in found} == {"call", "feedback"}
    return all(one.status == 200 and (one.cards or one.told) for one in found)


def test_a_rolling_restart_loses_no_call(site: Site, traffic: Traffic) -> None:
    before = {replica.process for replica in site.replicas}
    for replica in site.replicas:
        replica.term()
        assert until(lambda: replica.readiness() == "draining")  # noqa: B023  it is called before the loop goes on
        assert replica.wait() == 0
        assert all_is_well(traffic, 1), "two are enough"
        replica.start()
        assert all_is_well(traffic), "the proxy comes back to it"
    assert not before & {replica.process for replica in site.replicas}
    assert set(traffic.statuses("call")) == set(traffic.statuses("feedback")) == {200}
    assert traffic.told() <= kept(site)


def test_a_replica_that_is_killed_costs_the_calls_that_it_was_answering(site: Site, traffic: Traffic) -> None:
    assert all_is_well(traffic)
    acknowledged, dying = traffic.told(), site.replicas[1]
    dying.signal(signal.SIGSTOP)  # it holds the calls that come to it now, so that there are some to lose
    time.sleep(0.5)
    began = time.monotonic()
    dying.kill()
    died = time.monotonic()
    assert all_is_well(traffic), "two are enough"
    lost = [one for one in traffic.asked if one.status != 200]
    assert lost and {one.status for one in lost} <= {BAD_GATEWAY, NO_ANSWER}
    assert all(one.overlaps(began, died) for one in lost), "nothing but what was in flight"
    assert acknowledged and acknowledged <= kept(site)
    dying.start()
    assert all_is_well(traffic), "the proxy comes back to it"
    assert traffic.told() <= kept(site)


@contextmanager
def stopped(site: Site) -> Iterator[None]:
    """PostgreSQL has ended at once, and is started again."""
    site.database.stop()
    try:
        yield
    finally:
        site.database.start()


def frozen(site: Site) -> AbstractContextManager[None]:
    """PostgreSQL keeps its connections, and takes new ones, and says nothing."""
    return site.database.frozen()


@pytest.mark.parametrize("gone", [stopped, frozen])
def test_without_the_database_cards_come_and_feedback_waits(
    site: Site, traffic: Traffic, gone: Callable[[Site], AbstractContextManager[None]]
) -> None:
    assert all_is_well(traffic)
    before = [replica.process for replica in site.replicas]
    begun = time.monotonic()
    with gone(site):
        assert until(lambda: {replica.readiness() for replica in site.replicas} == {"store"}, 5)
        time.sleep(GONE_SECONDS - (time.monotonic() - begun))
    assert until(lambda: {replica.readiness() for replica in site.replicas} == {"ok"}, 10)
    ended = time.monotonic()
    calls = traffic.of("call")
    assert len([one for one in calls if begun <= one.began <= ended]) > GONE_SECONDS * 10, "they do not pile up"
    assert all(one.status == 200 and one.cards for one in calls)
    refused = [one for one in traffic.of("feedback") if one.status != 200]
    assert {(one.status, one.after) for one in refused} == {(503, "5")}
    assert all(one.overlaps(begun, ended) for one in refused)
    assert until(lambda: all_is_well(traffic), 15)
    assert traffic.tell_again() == 200, "the same items, sent again"
    assert traffic.told(503) <= traffic.told()
    assert traffic.told() <= kept(site)
    assert [replica.process for replica in site.replicas] == before
