"""Every indicator again, slowly, person by person, in plain Python.

Nothing of the engine is used here but the words for a life; not its dates, ages, counties, windows or
figures. Each function gives the units of one life; `told` adds them up and makes the figure of them.
"""
