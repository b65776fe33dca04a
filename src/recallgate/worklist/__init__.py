"""Worklists: calls by humans and one-to-one service as tasks with capacity, a channel of the core."""

from recallgate.worklist.check import LastCheck
from recallgate.worklist.desk import Worklist, worklists_of
from recallgate.worklist.driver import WorklistConfig, WorklistTasks
from recallgate.worklist.entry import Assignment, Done
from recallgate.worklist.results import RESULTS

__all__ = ["RESULTS", "Assignment", "Done", "LastCheck", "Worklist", "WorklistConfig", "WorklistTasks", "worklists_of"]
