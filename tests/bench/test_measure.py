"""What is measured in process is what a worker does, its log included, and nothing of it is seen."""

from __future__ import annotations

import gc
import logging

import pytest

from bench.measure import serving


def test_a_worker_writes_its_log_where_nobody_sees_it_while_it_is_measured_and_after(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = gc.get_threshold()
    with serving():
        assert gc.get_threshold() != before
        assert logging.getLogger("service").isEnabledFor(logging.INFO)
        logging.getLogger("service").info("call")
    logging.getLogger("service").info("call")
    assert gc.get_threshold() == before
    assert capfd.readouterr().err == ""
