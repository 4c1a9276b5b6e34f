"""Who is in which group, and which of them are at rest."""

from dataplane.gateway.roster import AUTO_COMMIT, CALL_AFTER, SESSION_TIMEOUT, Roster
from dataplane.virtual.heads import (
    CONSUMER_GROUP_HEARTBEAT,
    HEARTBEAT,
    JOIN_GROUP,
    OFFSET_COMMIT,
    SYNC_GROUP,
    Membership,
)

HERE, ELSEWHERE = object(), object()
MEMBER = ("g", "m")


def said(member: str = "m", generation: int = 1, session_timeout: float | None = None):
    return Membership("g", member, generation, session_timeout)


def roster_with_a_member() -> Roster:
    roster = Roster()
    roster.note(HEARTBEAT, said(), HERE, 0, 0.0)
    return roster


class TestRestlessness:
    def test_a_member_that_reads_is_restless(self) -> None:
        assert roster_with_a_member().restless(1.0) == [MEMBER]

    def test_asking_to_join_again_is_rest_and_commits_do_not_end_it(self) -> None:
        roster = roster_with_a_member()
        roster.note(JOIN_GROUP, said(session_timeout=10.0), HERE, 0, 1.0)
        roster.note(OFFSET_COMMIT, said(), HERE, 0, 1.1)
        roster.note(HEARTBEAT, said(), HERE, 0, 1.2)
        assert roster.restless(2.0) == []

    def test_rest_ends_when_the_member_has_joined(self) -> None:
        roster = roster_with_a_member()
        roster.note(JOIN_GROUP, said(), HERE, 0, 1.0)
        roster.note(SYNC_GROUP, said(), HERE, 0, 1.1)
        assert roster.restless(2.0) == [MEMBER]

    def test_one_that_joins_for_the_first_time_has_nothing_to_finish(self) -> None:
        roster = Roster()
        roster.note(JOIN_GROUP, said(member=""), HERE, 0, 0.0)
        assert roster.restless(0.0) == []

    def test_one_that_left_is_none(self) -> None:
        roster = roster_with_a_member()
        roster.left("g", "m")
        assert roster.restless(1.0) == []

    def test_silence_beyond_the_session_timeout_is_the_end_of_a_member(self) -> None:
        roster = roster_with_a_member()
        assert roster.restless(SESSION_TIMEOUT - 0.1) == [MEMBER]
        assert roster.restless(SESSION_TIMEOUT) == []

    def test_a_member_can_have_a_session_timeout_of_its_own(self) -> None:
        roster = Roster()
        roster.note(JOIN_GROUP, said(session_timeout=6.0), HERE, 0, 0.0)
        roster.note(SYNC_GROUP, said(), HERE, 0, 0.0)
        assert roster.restless(5.9) == [MEMBER]
        assert roster.restless(6.0) == []

    def test_whoever_asks_for_a_new_member_id_is_the_old_one_no_more(self) -> None:
        roster = roster_with_a_member()
        roster.note(JOIN_GROUP, said(member=""), HERE, 0, 1.0)
        assert roster.restless(1.0) == []

    def test_a_connection_takes_only_those_with_it_who_spoke_there_last(self) -> None:
        roster = roster_with_a_member()
        roster.note(HEARTBEAT, said(), ELSEWHERE, 0, 1.0)
        roster.gone(HERE)
        assert roster.restless(1.0) == [MEMBER]
        roster.gone(ELSEWHERE)
        assert roster.restless(1.0) == []


class TestCalls:
    """No records come since second 10."""

    @staticmethod
    def roster(*, cooperative: bool) -> Roster:
        roster = Roster()
        roster.note(JOIN_GROUP, said()._replace(is_cooperative=cooperative), HERE, 0, 0.0)
        roster.note(SYNC_GROUP, said(), HERE, 0, 0.0)
        roster.note(OFFSET_COMMIT, said(), HERE, 0, 10.5)
        return roster

    def test_eager_members_are_called_once_they_have_handled_what_they_had(self) -> None:
        roster = self.roster(cooperative=False)
        assert not roster.may_be_called(said(), 10.0, 10.0 + CALL_AFTER - 0.1)
        assert roster.may_be_called(said(), 10.0, 10.0 + CALL_AFTER)

    def test_so_is_one_that_nothing_is_known_of(self) -> None:
        assert Roster().may_be_called(said(), 10.0, 10.0 + CALL_AFTER)

    def test_a_cooperative_one_may_have_to_wait_for_its_timer(self) -> None:
        roster = self.roster(cooperative=True)
        assert not roster.may_be_called(said(), 10.0, 10.0 + AUTO_COMMIT - 0.1)
        assert roster.may_be_called(said(), 10.0, 10.0 + AUTO_COMMIT)

    def test_unless_it_has_committed_after_it_handled_what_it_had(self) -> None:
        roster = self.roster(cooperative=True)
        roster.note(OFFSET_COMMIT, said(), HERE, 0, 10.0 + CALL_AFTER)
        assert roster.may_be_called(said(), 10.0, 10.0 + CALL_AFTER)


class TestCooperativeMembers:
    """They join again without having committed, unless they were called when they had."""

    JOINING = said()._replace(is_cooperative=True)

    def test_are_not_at_rest_while_the_group_rebalances_by_itself(self) -> None:
        roster = roster_with_a_member()
        roster.note(JOIN_GROUP, self.JOINING, HERE, 0, 1.0)
        assert not roster.is_at_rest(said())
        assert roster.restless(1.0) == [MEMBER]

    def test_are_at_rest_when_they_join_because_they_were_called(self) -> None:
        roster = roster_with_a_member()
        roster.called(said())
        roster.note(JOIN_GROUP, self.JOINING, HERE, 0, 1.0)
        assert roster.is_at_rest(said())
        assert roster.restless(1.0) == []
        assert roster.cooperative_at_rest(1.0) == 1

    def test_that_were_called_once_have_to_be_called_again(self) -> None:
        roster = roster_with_a_member()
        roster.called(said())
        roster.note(SYNC_GROUP, said(), HERE, 0, 1.0)
        roster.note(JOIN_GROUP, self.JOINING, HERE, 0, 2.0)
        assert not roster.is_at_rest(said())


class TestEpochs:
    def test_a_member_of_the_epoch_before_is_known_where_it_spoke(self) -> None:
        roster = roster_with_a_member()
        roster.note(HEARTBEAT, said(), HERE, 1, 1.0)
        assert roster.is_of_older_epoch("g", HERE, 1)
        assert not roster.is_of_older_epoch("g", ELSEWHERE, 1)
        assert not roster.is_of_older_epoch("other", HERE, 1)

    def test_one_that_joined_here_is_of_this_epoch(self) -> None:
        roster = roster_with_a_member()
        roster.note(JOIN_GROUP, said(member=""), HERE, 1, 1.0)
        roster.note(JOIN_GROUP, said(member="new"), HERE, 1, 1.1)
        assert not roster.is_of_older_epoch("g", HERE, 1)

    def test_one_that_never_was_a_member_may_commit_as_it_likes(self) -> None:
        roster = Roster()
        roster.note(OFFSET_COMMIT, said(member="", generation=-1), HERE, 0, 0.0)
        assert not roster.is_of_older_epoch("g", HERE, 1)


class TestAboutToJoin:
    """Whom the cluster does not know yet: who was joining when the scope moved, or has an id."""

    def test_is_whoever_had_asked_to_join(self) -> None:
        roster = roster_with_a_member()
        assert not roster.is_about_to_join(said(), 1)
        roster.note(JOIN_GROUP, said(), HERE, 0, 1.0)
        assert not roster.is_about_to_join(said(), 0)
        assert roster.is_about_to_join(said(), 1)

    def test_at_rest_or_not(self) -> None:
        roster = roster_with_a_member()
        roster.note(JOIN_GROUP, said()._replace(is_cooperative=True), HERE, 0, 1.0)
        assert not roster.is_at_rest(said())
        assert roster.is_about_to_join(said(), 1)

    def test_until_it_joins_as_a_new_one(self) -> None:
        roster = roster_with_a_member()
        roster.note(JOIN_GROUP, said(), HERE, 0, 1.0)
        roster.note(JOIN_GROUP, said(member=""), HERE, 1, 2.0)
        assert not roster.is_about_to_join(said(), 1)

    def test_is_who_was_promised_an_id_until_it_joins_with_it(self) -> None:
        roster = Roster()
        roster.promised("g", "m", HERE)
        assert roster.is_about_to_join(said(), 0)
        roster.note(JOIN_GROUP, said(), HERE, 0, 1.0)
        assert not roster.is_about_to_join(said(), 0)

    def test_a_promise_ends_with_its_connection(self) -> None:
        roster = Roster()
        roster.promised("g", "m", HERE)
        roster.gone(ELSEWHERE)
        assert roster.is_about_to_join(said(), 0)
        roster.gone(HERE)
        assert not roster.is_about_to_join(said(), 0)


class TestComingBack:
    """Cooperative members of the epoch before go on reading until they have joined."""

    @staticmethod
    def moved(*, cooperative: bool) -> Roster:
        roster = Roster()
        joining = said()._replace(is_cooperative=cooperative)
        roster.note(JOIN_GROUP, joining, HERE, 0, 0.0)
        roster.called(said())
        roster.note(JOIN_GROUP, joining, HERE, 0, 1.0)
        roster.begin_anew()
        return roster

    def test_eager_ones_are_not_waited_for(self) -> None:
        assert not self.moved(cooperative=False).to_come_back

    def test_cooperative_ones_are_back_when_they_have_their_partitions(self) -> None:
        roster = self.moved(cooperative=True)
        assert roster.to_come_back
        roster.is_back("other")
        assert roster.to_come_back
        roster.is_back("g")
        assert not roster.to_come_back

    def test_they_are_not_waited_for_for_ever(self) -> None:
        roster = self.moved(cooperative=True)
        roster.give_up_waiting()
        assert not roster.to_come_back


class TestNewGroups:
    """Of KIP-848, whose members are told what to hold."""

    def roster(self, generation: int = 1) -> Roster:
        roster = Roster()
        roster.note(CONSUMER_GROUP_HEARTBEAT, said(generation=generation), HERE, 3, 0.0)
        return roster

    def test_one_that_joins_holds_nothing(self) -> None:
        assert self.roster(generation=0).restless(0.0) == []

    def test_one_that_is_in_the_group_is_restless_until_it_was_told_and_holds_nothing(self) -> None:
        roster = self.roster()
        assert roster.restless(1.0) == [MEMBER]
        roster.given(said(), holds=False)
        assert roster.restless(1.0) == [MEMBER]  # it may be given something any time
        roster.called(said())
        assert roster.restless(1.0) == []

    def test_what_it_still_holds_it_has_to_give_up(self) -> None:
        roster = self.roster()
        roster.given(said(), holds=True)
        roster.called(said())
        assert roster.restless(1.0) == [MEMBER]
        roster.given(said(), holds=False)
        assert roster.restless(1.0) == []
        roster.note(CONSUMER_GROUP_HEARTBEAT, said(), HERE, 3, 2.0)
        assert roster.restless(2.0) == []

    def test_it_joins_anew_if_it_was_told_or_is_of_an_older_epoch(self) -> None:
        roster = self.roster()
        assert roster.knows(said())
        assert not roster.has_to_join_anew(said(), 3)
        assert roster.has_to_join_anew(said(), 4)
        roster.called(said())
        assert roster.has_to_join_anew(said(), 3)
        roster.note(CONSUMER_GROUP_HEARTBEAT, said(generation=0), HERE, 4, 1.0)
        assert not roster.has_to_join_anew(said(), 4)
