"""The scripts of the mutation run import each other, which only the run by hand can do; mutants.py is tested."""

collect_ignore = ["engine.py", "forks.py", "reach.py", "report.py", "run.py", "trial.py", "trials.py"]
