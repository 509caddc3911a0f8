"""The scripts of the mutation run import each other, which only the run by hand can do; mutants.py is tested."""

collect_ignore = ["run.py", "trial.py", "engine.py"]
