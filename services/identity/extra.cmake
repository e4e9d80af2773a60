# The register reads CSV lists, checks numbers and masks what it shows.
set(identity_extra huzhu_check huzhu_mask huzhu_csv huzhu_crypto)
