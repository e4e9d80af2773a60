# What contributions links beside the runtime.
set(contributions_extra huzhu_mask huzhu_csv)
