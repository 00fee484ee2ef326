"""What is to be done: job files read, checked as a whole, and streamed as Items."""

from bulkexo.job.job import Checked, Job, Question
from bulkexo.job.load import load

__all__ = ["Checked", "Job", "Question", "load"]
