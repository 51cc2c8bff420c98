"""The window between outbox and server."""

import random

from edge_agent.delivery import BACKLOG_IN_FLIGHT_MAX, RESEND_WAIT_MAX_S, Delivery, Lane
from wire.limits import IN_FLIGHT_MAX

WAIT_MS = 30_000


def sent(*numbers: int, at_ms: int = 0) -> Delivery:
    """A window in which these numbers left and the broker took them."""
    delivery = Delivery(WAIT_MS / 1000, random.Random(1))
    for seq in numbers:
        delivery.left(seq, at_ms)
        delivery.passed(Lane.BACKLOG, seq)
        delivery.taken(seq, at_ms)
    return delivery


def test_the_window_is_bounded() -> None:
    """No more than IN_FLIGHT_MAX are on their way; a receipt makes room."""
    delivery = sent(*range(1, IN_FLIGHT_MAX + 1))
    assert delivery.room == 0
    delivery.receipted(3, [(5, 6)], [], 0)
    assert delivery.room == 5
    assert delivery.in_flight == (4, *range(7, IN_FLIGHT_MAX + 1))


def test_a_brokers_word_is_no_delivery() -> None:
    """What the broker took stays in the window until the server's receipt."""
    assert sent(1, 2).in_flight == (1, 2)


def test_sent_again_with_growing_waits() -> None:
    """Without a receipt it leaves again after the wait, then after twice that, never later than the bound."""
    delivery = sent(1)
    now, waits = 0, []
    for _ in range(8):
        due = delivery.next_due_ms()
        assert due is not None
        assert delivery.due(due - 1) == []
        assert delivery.due(due) == [1]
        waits.append(due - now)
        now = due
        delivery.left(1, now)
        delivery.taken(1, now)
    assert delivery.resent == 8
    for number, wait in enumerate(waits):
        nominal = min(WAIT_MS * 2**number, RESEND_WAIT_MAX_S * 1000)
        assert nominal <= wait <= nominal * 1.3


def test_jitter_differs_between_agents() -> None:
    """Agents that lost the server in the same second do not send again in the same millisecond."""
    dues = set()
    for seed in range(20):
        delivery = Delivery(30, random.Random(seed))
        delivery.left(1, 0)
        delivery.taken(1, 0)
        dues.add(delivery.next_due_ms())
    assert len(dues) == 20


def test_not_sent_again_while_the_client_still_holds_it() -> None:
    """Before the broker's answer the MQTT client itself repeats it; a copy of ours would pile up."""
    delivery = Delivery(30)
    delivery.left(1, 0)
    assert delivery.due(10**9) == []
    assert delivery.next_due_ms() is None


def test_missed_numbers_leave_at_once() -> None:
    """A number that the server misses is due at once, but not in the moment after it left."""
    delivery = sent(1, 2, 3)
    delivery.receipted(0, [], [(2, 2)], 500)
    assert delivery.due(500) == []
    delivery.receipted(0, [], [(2, 2)], 2000)
    assert delivery.due(2000) == [2]


def test_missed_numbers_that_left_the_window_are_fetched_again() -> None:
    """A server restored from a copy misses what it once had: the window starts there again."""
    delivery = sent(1, 2, 3)
    delivery.receipted(0, [(1, 3)], [], 0)
    assert delivery.after == 3
    delivery.receipted(0, [], [(2, 3)], 2000)
    assert delivery.after == 1


def test_how_long_the_server_has_been_silent() -> None:
    """The time counts from the first envelope that the broker took after the last receipt."""
    delivery = Delivery(30)
    delivery.left(1, 0)
    assert delivery.unanswered_ms(99_000) == 0
    delivery.taken(1, 1000)
    delivery.left(2, 5000)
    delivery.taken(2, 5000)
    assert delivery.unanswered_ms(61_000) == 60_000
    delivery.receipted(1, [], [], 61_000)
    assert delivery.unanswered_ms(90_000) == 0


def test_live_overtakes_a_backlog() -> None:
    """Report m08: the newest and what follows have the window; of the backlog only a part is on its way at a time."""
    delivery = Delivery(30)
    delivery.overtake(100)
    assert (delivery.cursor(Lane.LIVE), delivery.cursor(Lane.BACKLOG)) == (99, 0)
    assert (delivery.room_in(Lane.LIVE), delivery.room_in(Lane.BACKLOG)) == (IN_FLIGHT_MAX, BACKLOG_IN_FLIGHT_MAX)
    for seq in range(1, BACKLOG_IN_FLIGHT_MAX + 1):
        delivery.left(seq, 0)
        delivery.passed(Lane.BACKLOG, seq)
    assert delivery.room_in(Lane.BACKLOG) == 0
    assert delivery.room_in(Lane.LIVE) == IN_FLIGHT_MAX - BACKLOG_IN_FLIGHT_MAX
    delivery.passed(Lane.BACKLOG, 99)
    assert delivery.room_in(Lane.BACKLOG) == delivery.room


def test_a_new_session_sends_nothing_live_twice() -> None:
    """What left as live stays behind the live cursor when the next session begins."""
    delivery = Delivery(30)
    delivery.overtake(100)
    delivery.passed(Lane.LIVE, 100)
    delivery.overtake(100)
    assert delivery.cursor(Lane.LIVE) == 100


def test_what_fits_the_window_is_no_backlog() -> None:
    """A short break is made up for in order."""
    delivery = sent(*range(1, 11))
    delivery.overtake(10 + IN_FLIGHT_MAX)
    assert (delivery.cursor(Lane.LIVE), delivery.room_in(Lane.BACKLOG)) == (0, IN_FLIGHT_MAX - 10)
