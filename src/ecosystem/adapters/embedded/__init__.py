"""The embedded deployment: one folder, one process, nothing else to install.

`deployment.py` puts it together. Nothing is imported here: the processes that only read the table take its part alone.
"""
