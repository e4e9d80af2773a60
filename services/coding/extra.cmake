# The grouper and plan design are libraries of their own; tables leave as CSV.
set(coding_extra huzhu_drg huzhu_plan huzhu_csv)
