# Disclosure: what a page may show, the service on a real PostgreSQL.
huzhu_test(unit/disclosure_publish_test.c disclosure_service)
huzhu_test(service/disclosure_test.c test_stage disclosure_service)
