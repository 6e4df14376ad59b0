"""Other numbers that add up the same way: the least that can be moved, in whole people."""

import sys
from subprocess import run

import numpy as np

from analytics.disclosure.moves import Moves, System, matrix_of


def moves_within(*equations, size, costs=()):
    """Of `size` numbers of 10 each."""
    nothing = np.zeros(size, dtype=np.int64)
    cost = np.ones(size)
    cost[: len(costs)] = costs
    shown = np.ones(size, dtype=bool)
    system = System(nothing + 10, (), shown, ~shown, nothing, nothing, cost)
    return Moves(system, matrix_of(equations, size))


def hidden(*cells, size):
    return np.isin(np.arange(size), cells)


def moved(move):
    return None if move is None else {cell: int(by) for cell, by in enumerate(move) if by}


TOTAL, OSLO, ROGALAND, VESTLAND = range(4)
ADD_UP = {TOTAL: -1, OSLO: 1, ROGALAND: 1, VESTLAND: 1}


def test_what_is_lost_least_is_moved():
    counties = moves_within(ADD_UP, size=4, costs=(9, 1, 1, 3))
    assert moved(counties.cheapest(hidden(OSLO, size=4), OSLO, -2)) == {OSLO: -2, ROGALAND: 2}


def test_and_nothing_where_what_is_hidden_suffices():
    counties = moves_within(ADD_UP, size=4, costs=(9, 1, 1, 3))
    assert moved(counties.cheapest(hidden(OSLO, VESTLAND, size=4), OSLO, -2)) == {OSLO: -2, VESTLAND: 2}


def test_no_number_falls_below_nobody():
    counties = moves_within({0: 1, 1: 1}, size=2)
    assert counties.cheapest(hidden(0, 1, size=2), 0, 11) is None
    assert moved(counties.cheapest(hidden(0, 1, size=2), 0, 10)) == {0: 10, 1: -10}


# The first is the second and the third; each of these, and the fourth, are told to be the same.
HALVES = ({0: -1, 1: 1, 2: 1}, {1: 1, 3: -1}, {2: 1, 4: -1}, {3: 1, 4: -1, 5: 1})


def test_people_are_not_halved():
    """One more in all would be half a woman in each of two groups that are equal, so the sixth number must go."""
    all_hidden = hidden(0, 1, 2, 3, 4, size=6)
    move = moves_within(*HALVES, size=6).cheapest(all_hidden, 0, 1)
    assert move is not None
    assert move[0] == 1
    assert abs(move[5]) == 1
    assert all(sum(factor * move[cell] for cell, factor in one.items()) == 0 for one in HALVES)


def test_where_only_halves_would_do_there_is_no_move():
    halves = moves_within(*HALVES[:3], {3: 1, 4: -1}, size=5)
    assert halves.cheapest(hidden(*range(5), size=5), 0, 1) is None
    assert moved(halves.cheapest(hidden(*range(5), size=5), 0, 2)) == {0: 2, 1: 1, 2: 1, 3: 1, 4: 1}


def test_what_was_asked_before_changes_no_answer():
    asked = [(OSLO, 3), (ROGALAND, -2), (TOTAL, 5), (OSLO, -4)]
    kept = moves_within(ADD_UP, size=4, costs=(9, 1, 2, 3))
    for cell, by in [*asked, *reversed(asked)]:
        anew = moves_within(ADD_UP, size=4, costs=(9, 1, 2, 3))
        open_ = hidden(cell, size=4)
        assert moved(kept.cheapest(open_, cell, by)) == moved(anew.cheapest(open_, cell, by))


def test_the_solver_writes_nothing_where_tables_are_written():
    """In a process of its own: the solver's name would be printed once."""
    asked = "from tests.rules.test_moves import *; moves_within(ADD_UP, size=4).cheapest(hidden(OSLO, size=4), OSLO, 1)"
    told = run([sys.executable, "-c", asked], capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (b"", b"")
