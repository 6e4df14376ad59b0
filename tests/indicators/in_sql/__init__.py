"""Every indicator again, in SQL for another engine, over the written Parquet.

Of the dataset only what was recorded is used: residence, birth and sex of each person, events and
obligations as they stand; not the columns in which the extract tells them of each event.
"""
