"""What runs outside the server: the launcher, the agent of each job, and the code that calls `main` in each language.

The launcher is a process of its own, started by exec, which imports this package and nothing else of Flowapp (see
`__main__`): it must be small, because every job is a fork of it.
"""
