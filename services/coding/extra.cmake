# The grouper is a library of its own.
set(coding_extra huzhu_drg)
