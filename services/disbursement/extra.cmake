# What is shown of payees is masked by common/mask.
set(disbursement_extra huzhu_mask)
