"""Your data in one call: a study of its tasks, with controls, and a page of what was found."""

from lth_utils.one_call.study import Study, study

__all__ = ["Study", "study"]
