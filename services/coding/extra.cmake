# The grouper and plan design are libraries of their own.
set(coding_extra huzhu_drg huzhu_plan)
